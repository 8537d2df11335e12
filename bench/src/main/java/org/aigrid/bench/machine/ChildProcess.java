package org.aigrid.bench.machine;

import java.io.BufferedReader;
import java.io.BufferedWriter;
import java.io.IOException;
import java.io.InputStreamReader;
import java.io.OutputStreamWriter;
import java.io.UncheckedIOException;
import java.net.InetAddress;
import java.net.ServerSocket;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.FutureTask;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.TimeoutException;
import java.util.stream.Stream;

/// A process of the benchmark: commands in by standard input, answers out by standard output, one
/// line each; what it says on standard error goes to a log file. One thread talks to it. Closing it
/// ends it and its descendants.
public final class ChildProcess implements AutoCloseable {
  private static final int STOP_SECONDS = 5;

  private final String name;
  private final Path log;
  private final Process process;
  private final BufferedReader out;
  private final BufferedWriter in;

  private ChildProcess(String name, Path log, Process process) {
    this.name = name;
    this.log = log;
    this.process = process;
    this.out =
        new BufferedReader(new InputStreamReader(process.getInputStream(), StandardCharsets.UTF_8));
    this.in =
        new BufferedWriter(
            new OutputStreamWriter(process.getOutputStream(), StandardCharsets.UTF_8));
  }

  /// Starts a program; its standard error goes to `NAME.log` in `folder`.
  public static ChildProcess start(String name, Path folder, List<String> command) {
    Path log = folder.resolve(name + ".log");
    try {
      Files.createDirectories(folder);
      Process process = new ProcessBuilder(command).redirectError(log.toFile()).start();
      return new ChildProcess(name, log, process);
    } catch (IOException e) {
      throw new UncheckedIOException(
          "cannot start " + name + " with '" + String.join(" ", command) + "'", e);
    }
  }

  /// Starts a class of this class path in a JVM of its own; `prefix` is a program that starts it,
  /// or nothing.
  public static ChildProcess java(
      String name,
      Path folder,
      List<String> prefix,
      List<String> jvmOptions,
      Class<?> main,
      Object... arguments) {
    return java(
        name,
        folder,
        prefix,
        jvmOptions,
        System.getProperty("java.class.path"),
        main.getName(),
        arguments);
  }

  /// As above, with a class of another class path.
  public static ChildProcess java(
      String name,
      Path folder,
      List<String> prefix,
      List<String> jvmOptions,
      String classPath,
      String main,
      Object... arguments) {
    var command = new ArrayList<>(prefix);
    command.add(Path.of(System.getProperty("java.home"), "bin", "java").toString());
    command.add("--enable-native-access=ALL-UNNAMED");
    command.add("--sun-misc-unsafe-memory-access=allow");
    command.addAll(jvmOptions);
    command.add("-cp");
    command.add(classPath);
    command.add(main);
    for (Object argument : arguments) {
      command.add(argument.toString());
    }
    return start(name, folder, command);
  }

  /// A TCP port on loopback that was free a moment ago.
  public static int freePort() {
    try (var socket = new ServerSocket(0, 1, InetAddress.getLoopbackAddress())) {
      return socket.getLocalPort();
    } catch (IOException e) {
      throw new UncheckedIOException("no free port on loopback", e);
    }
  }

  /// Sends a line and waits for the answer.
  public String ask(String line, int timeoutSeconds) {
    try {
      in.write(line);
      in.newLine();
      in.flush();
    } catch (IOException e) {
      throw new IllegalStateException(name + " does not listen any more; see " + log, e);
    }
    return answer(timeoutSeconds);
  }

  /// Waits for the next line that the process prints.
  public String answer(int timeoutSeconds) {
    var reading = new FutureTask<>(out::readLine);
    Thread.ofVirtual().start(reading);
    try {
      String line = reading.get(timeoutSeconds, TimeUnit.SECONDS);
      if (line == null) {
        throw new IllegalStateException(
            name + " ended without an answer; it said: " + tail() + " (all of it: " + log + ")");
      }
      return line;
    } catch (TimeoutException e) {
      throw new IllegalStateException(
          name + " gave no answer within " + timeoutSeconds + " s; see " + log, e);
    } catch (ExecutionException e) {
      throw new IllegalStateException(name + " cannot be read; see " + log, e);
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
      throw new IllegalStateException("interrupted while waiting for " + name, e);
    }
  }

  public ProcessCost cost() {
    return ProcessCost.of(process.toHandle());
  }

  /// The process, those that it has started, and what they have started.
  public Stream<ProcessHandle> tree() {
    return Stream.concat(Stream.of(process.toHandle()), process.descendants());
  }

  public boolean alive() {
    return process.isAlive();
  }

  private String tail() {
    try {
      List<String> lines = Files.readAllLines(log);
      return String.join(" / ", lines.subList(Math.max(0, lines.size() - 5), lines.size()));
    } catch (IOException e) {
      return "nothing";
    }
  }

  @Override
  public void close() {
    List<ProcessHandle> all = new ArrayList<>(process.descendants().toList());
    all.add(process.toHandle());
    all.forEach(ProcessHandle::destroy);
    try {
      if (!process.waitFor(STOP_SECONDS, TimeUnit.SECONDS)) {
        all.forEach(ProcessHandle::destroyForcibly);
      }
    } catch (InterruptedException e) {
      all.forEach(ProcessHandle::destroyForcibly);
      Thread.currentThread().interrupt();
    }
  }
}
