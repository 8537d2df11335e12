package org.aigrid.bench.gateway;

import java.io.File;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.stream.Stream;
import org.aigrid.bench.machine.ChildProcess;
import org.aigrid.bench.machine.Machine;
import org.aigrid.live.control.GridSource;

/// The gateway as a process of the benchmark, and the handle to it.
final class GatewayArm {
  private static final int READY_SECONDS = 120;

  private GatewayArm() {}

  /// The class path of this process.
  static String classPath() {
    return System.getProperty("java.class.path");
  }

  /// The class path of the build in a checkout.
  static String classPathOf(Path checkout) throws IOException {
    Path target = checkout.resolve("bench").resolve("target");
    try (Stream<Path> files = Files.list(target)) {
      Path jar =
          files
              .filter(
                  file -> file.getFileName().toString().matches("bench-[^-]*(-SNAPSHOT)?\\.jar"))
              .findFirst()
              .orElseThrow(() -> new NoSuchFileException(target + "/bench-*.jar"));
      return jar + File.pathSeparator + target.resolve("lib") + File.separator + "*";
    }
  }

  /// Starts the one of a class path, as the arm `name`, with a view of `sites` sites, all of which
  /// are the mock on `addresses` loopback addresses; with `accounts` for a tenant with budget,
  /// policy, journal and receipts. `prefix` and `jvmOptions` as in `ChildProcess`.
  static Arm start(
      String name,
      String classPath,
      Path folder,
      List<String> prefix,
      List<String> jvmOptions,
      int mockPort,
      int sites,
      int addresses,
      boolean accessLog,
      boolean accounts,
      boolean syncs) {
    int port = ChildProcess.freePort();
    Path data = folder.resolve("accounts-" + name);
    var options = new ArrayList<>(List.of("-XX:+UseCompactObjectHeaders"));
    options.addAll(jvmOptions);
    var arguments =
        new ArrayList<Object>(
            List.of(port, mockPort, sites, addresses, accessLog, accounts ? data : "-"));
    if (name.equals(Arm.APART)) {
      arguments.add("apart");
    }
    if (syncs) {
      arguments.add("syncs");
    }
    ChildProcess process =
        ChildProcess.java(
            name,
            folder,
            prefix,
            options,
            classPath,
            GatewayProcess.class.getName(),
            arguments.toArray());
    process.answer(READY_SECONDS);
    return new Arm(name, port, port, process, accounts ? server(data) : 0);
  }

  /// The process id of the PostgreSQL that `BenchAccounts` has started.
  private static long server(Path data) {
    Path file = data.resolve("books").resolve("postgres").resolve("postmaster.pid");
    try {
      return Long.parseLong(Files.readAllLines(file).getFirst().strip());
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }

  /// Names the binary that is measured.
  static String binary() {
    return Machine.binary(GridSource.class);
  }

  /// What its heap holds, in words.
  static String memory(Arm gateway) {
    ChildProcess process = gateway.process();
    return process == null ? "unknown" : process.ask("memory", 30);
  }
}
