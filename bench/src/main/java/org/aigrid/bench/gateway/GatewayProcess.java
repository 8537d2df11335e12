package org.aigrid.bench.gateway;

import java.io.BufferedReader;
import java.io.FileOutputStream;
import java.io.IOException;
import java.io.InputStreamReader;
import java.io.PrintStream;
import java.lang.management.BufferPoolMXBean;
import java.lang.management.ManagementFactory;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.util.List;
import org.aigrid.live.gateway.Gateway;
import org.aigrid.live.gateway.GatewaySettings;
import org.aigrid.live.gateway.Keys;
import org.aigrid.live.http.HttpSettings;

/// The gateway's process: the production gateway over a grid that stands still. Says `ready`, then
/// answers `memory` and `syncs` until its standard input ends.
final class GatewayProcess {
  private static final long MIB = 1 << 20;
  private static final String SITE_TOKEN = "bench-site-token";

  private GatewayProcess() {}

  /// @param args port, the mock's port, number of sites, number of the mock's addresses, whether
  ///   the access log is written, folder for the accounts of a tenant or `-` for a key without, and
  ///   then maybe `apart` for books and log that stand still, `syncs` to listen to the journal's
  ///   disk
  public static void main(String[] args) throws Exception {
    if (Boolean.parseBoolean(args[4])) {
      writeAccessLog();
    }
    int port = Integer.parseInt(args[0]);
    int sites = Integer.parseInt(args[2]);
    var grid = new StaticGrid(sites, Integer.parseInt(args[1]), Integer.parseInt(args[3]));
    HttpSettings http = HttpSettings.DEFAULT.at("127.0.0.1", port);
    boolean accounts = !args[5].equals("-");
    List<String> more = List.of(args).subList(6, args.length);
    Gateway.start(
        GatewaySettings.of(http, SITE_TOKEN, StaticGrid.home(sites)),
        grid,
        Keys.single(accounts ? "another key" : Measure.KEY, "file"),
        accounts ? BenchAccounts.open(Path.of(args[5]), more.contains("apart")) : null);
    System.out.println("ready");
    var in = new BufferedReader(new InputStreamReader(System.in, StandardCharsets.UTF_8));
    JournalSyncs syncs = more.contains("syncs") ? JournalSyncs.listen() : null;
    for (String asked = in.readLine(); asked != null; asked = in.readLine()) {
      System.out.println(asked.equals("syncs") && syncs != null ? syncs.take() : memory());
    }
    System.exit(0);
  }

  /// Lets every request write its line as `GRID_LOG=INFO` does, to a sink that keeps nothing: the
  /// work of the log without filling the disk. Has to come before the first logger.
  private static void writeAccessLog() throws IOException {
    System.setProperty("GRID_LOG", "INFO");
    System.setErr(
        new PrintStream(new FileOutputStream("/dev/null"), false, StandardCharsets.UTF_8));
  }

  /// What is used after a collection, and what lies outside the heap.
  private static String memory() {
    System.gc();
    var heap = ManagementFactory.getMemoryMXBean().getHeapMemoryUsage();
    long direct =
        ManagementFactory.getPlatformMXBeans(BufferPoolMXBean.class).stream()
            .mapToLong(BufferPoolMXBean::getMemoryUsed)
            .sum();
    return "%d MiB live after a collection (%d MiB committed, limit %d MiB); direct buffers %d MiB"
        .formatted(
            heap.getUsed() / MIB, heap.getCommitted() / MIB, heap.getMax() / MIB, direct / MIB);
  }
}
