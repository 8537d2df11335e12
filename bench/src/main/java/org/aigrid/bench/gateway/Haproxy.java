package org.aigrid.bench.gateway;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.net.InetAddress;
import java.net.Socket;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Optional;
import java.util.stream.Stream;
import org.aigrid.bench.machine.ChildProcess;

/// HAProxy as a plain HTTP proxy with keep-alive on both sides and two threads: the bar for an
/// intermediary that does nothing but forward.
///
/// Streams have a port of their own with `option http-no-delay`: without it HAProxy holds small
/// frames back for 200 ms to fill packets, with it plain requests might cost more.
final class Haproxy {
  static final String HOW_TO_INSTALL =
      "haproxy is not installed: its arm is left out (Debian, Ubuntu: apt-get install haproxy)";

  private static final int READY_MILLIS = 5_000;

  private Haproxy() {}

  /// Where the program is, if it is.
  static Optional<Path> program() {
    return Stream.of("/usr/sbin/haproxy", "/usr/local/sbin/haproxy", "/usr/bin/haproxy")
        .map(Path::of)
        .filter(Files::isExecutable)
        .findFirst();
  }

  /// Starts it in front of the mock and waits until it accepts.
  static Arm start(Path program, Path folder, int mockPort) {
    int port = ChildProcess.freePort();
    int streamPort = ChildProcess.freePort();
    Path config = folder.resolve("haproxy.cfg");
    try {
      Files.createDirectories(folder);
      Files.writeString(config, config(port, streamPort, mockPort));
    } catch (IOException e) {
      throw new UncheckedIOException("cannot write " + config, e);
    }
    ChildProcess process =
        ChildProcess.start(
            "haproxy", folder, List.of(program.toString(), "-db", "-f", config.toString()));
    awaitPort(port, folder);
    awaitPort(streamPort, folder);
    return new Arm(Arm.HAPROXY, port, streamPort, process, 0);
  }

  private static String config(int port, int streamPort, int mockPort) {
    return """
    global
      nbthread 2
      maxconn 4096
    defaults
      mode http
      option http-keep-alive
      http-reuse always
      timeout connect 5s
      timeout client 60s
      timeout server 60s
    frontend in
      bind 127.0.0.1:%d
      default_backend mock
    frontend in_streams
      bind 127.0.0.1:%d
      option http-no-delay
      default_backend mock_streams
    backend mock
      server mock 127.0.0.1:%d
    backend mock_streams
      option http-no-delay
      server mock 127.0.0.1:%d
    """
        .formatted(port, streamPort, mockPort, mockPort);
  }

  private static void awaitPort(int port, Path folder) {
    long deadline = System.nanoTime() + READY_MILLIS * 1_000_000L;
    while (System.nanoTime() < deadline) {
      try (var _ = new Socket(InetAddress.getLoopbackAddress(), port)) {
        return;
      } catch (IOException e) {
        Thread.onSpinWait();
      }
    }
    throw new IllegalStateException(
        "haproxy does not accept on port " + port + "; see " + folder.resolve("haproxy.log"));
  }
}
