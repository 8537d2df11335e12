package org.aigrid.bench.gateway;

import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import org.aigrid.bench.machine.ChildProcess;
import org.aigrid.bench.machine.Machine;
import org.aigrid.live.control.GridSource;

/// The gateway as a process of the benchmark, and the handle to it.
final class GatewayArm {
  private static final int READY_SECONDS = 120;

  private GatewayArm() {}

  /// Starts it with a view of `sites` sites, all of which are the mock on `addresses` loopback
  /// addresses; with `accounts` for a tenant with budget, policy, journal and receipts. `prefix`
  /// and `jvmOptions` as in `ChildProcess`.
  static Arm start(
      Path folder,
      List<String> prefix,
      List<String> jvmOptions,
      int mockPort,
      int sites,
      int addresses,
      boolean accessLog,
      boolean accounts) {
    int port = ChildProcess.freePort();
    var options = new ArrayList<>(List.of("-XX:+UseCompactObjectHeaders"));
    options.addAll(jvmOptions);
    ChildProcess process =
        ChildProcess.java(
            "gateway",
            folder,
            prefix,
            options,
            GatewayProcess.class,
            port,
            mockPort,
            sites,
            addresses,
            accessLog,
            accounts ? folder.resolve("accounts") : "-");
    process.answer(READY_SECONDS);
    return new Arm(Arm.GATEWAY, port, port, process);
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
