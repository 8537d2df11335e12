package org.aigrid.bench.load;

import java.io.BufferedReader;
import java.io.InputStreamReader;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.util.List;
import org.aigrid.bench.machine.ChildProcess;

/// The generator's process and the handle to it. The process stays up over the whole benchmark, so
/// that it is as warm for the first arm as for the last. One thread talks to it.
public final class LoadGenerator implements AutoCloseable {
  /// What a run lets pass after the connects before it counts: the arm opens its own connections
  /// meanwhile.
  public static final int SETTLE_MILLIS = 300;

  /// What connects and the way there and back may take on top of the measured time.
  private static final int SLACK_SECONDS = 60;

  private final ChildProcess process;

  private LoadGenerator(ChildProcess process) {
    this.process = process;
  }

  /// Starts the process; `prefix` as in `ChildProcess.java`.
  public static LoadGenerator start(Path folder, List<String> prefix) {
    var process =
        ChildProcess.java(
            "load", folder, prefix, List.of("-Xmx1g", "-XX:+UseSerialGC"), LoadGenerator.class);
    process.answer(30);
    return new LoadGenerator(process);
  }

  /// Runs one measurement and waits for it.
  public LoadResult run(LoadPlan plan) {
    return LoadResult.parse(process.ask(plan.line(), plan.millis() / 1000 + SLACK_SECONDS));
  }

  @Override
  public void close() {
    process.close();
  }

  /// The process: one plan a line in, one result a line out.
  public static void main(String[] args) throws Exception {
    var group = Transport.group(1);
    var in = new BufferedReader(new InputStreamReader(System.in, StandardCharsets.UTF_8));
    System.out.println("ready");
    String line = in.readLine();
    while (line != null) {
      System.out.println(new LoadRun(LoadPlan.parse(line), group).start().get().line());
      line = in.readLine();
    }
    group.shutdownGracefully().sync();
  }
}
