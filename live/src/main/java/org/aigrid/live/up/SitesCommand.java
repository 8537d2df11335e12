package org.aigrid.live.up;

import java.util.List;
import java.util.Locale;
import java.util.concurrent.Callable;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.Parameters;
import picocli.CommandLine.Spec;

/// Lists the sites of the running grid, and disturbs or revives one.
@Command(
    name = "sites",
    description = {
      "Lists the sites of the running grid; kills, drains, revives or disturbs one.",
      "",
      "  ./grid sites                    all of them",
      "  ./grid sites kill cell-koto     as a power cut would: connections break, heartbeats stop",
      "  ./grid sites drain cell-koto    finishes what runs, takes nothing new",
      "  ./grid sites revive cell-koto   brings it back",
      "  ./grid sites surge cell-koto    its radio wants the GPU (--share, --ms)",
      "  ./grid sites mute cell-koto     cuts its heartbeats; unmute lets them through",
      ""
    },
    mixinStandardHelpOptions = true,
    sortOptions = false)
final class SitesCommand implements Callable<Integer> {
  /// Where `grid up` offers the admin endpoint when it is told nothing.
  static final int ADMIN_PORT_DEFAULT = 8_081;

  /// What may be done to a site.
  enum Order {
    KILL,
    DRAIN,
    REVIVE,
    SURGE,
    MUTE,
    UNMUTE
  }

  @Spec private @Nullable CommandSpec spec;

  @Parameters(
      index = "0",
      arity = "0..1",
      paramLabel = "ORDER",
      description = "kill, drain, revive, surge, mute or unmute.")
  private @Nullable Order order;

  @Parameters(index = "1", arity = "0..1", paramLabel = "SITE", description = "Id of the site.")
  private @Nullable String site;

  @Option(
      names = "--admin-port",
      paramLabel = "PORT",
      description =
          "Loopback port of the admin endpoint. Default: that of the grid that was started"
              + " last from this folder, else "
              + ADMIN_PORT_DEFAULT
              + ".")
  private @Nullable Integer adminPort;

  @Option(
      names = "--share",
      paramLabel = "S",
      description = "Of a surge: share of the GPU that the radio wants (default: 0.9).")
  private double share = 0.9;

  @Option(
      names = "--ms",
      paramLabel = "MS",
      description = "Of a surge: for how long (default: 10000).")
  private long surgeMs = 10_000;

  @Option(names = "--json", description = "Print JSON.")
  private boolean json;

  @Override
  public Integer call() throws InterruptedException {
    if (order != null && site == null) {
      throw new CommandFailure(
          "which site? (expected: ./grid sites "
              + order.name().toLowerCase(Locale.ROOT)
              + " SITE)");
    }
    int port = port(adminPort);
    String path =
        order == null ? "/sites" : "/sites/" + site + "/" + order.name().toLowerCase(Locale.ROOT);
    if (order == Order.SURGE) {
      path += String.format(Locale.ROOT, "/%.3f/%d", Math.clamp(share, 0, 1), surgeMs);
    }
    String body = AdminCall.exchange(port, path, order == null ? null : "");
    List<SiteState> sites = AdminServer.parse(body);
    if (spec != null) {
      var out = spec.commandLine().getOut();
      if (json) {
        out.println(body);
      } else {
        SitesTable.lines(sites).forEach(out::println);
      }
    }
    return 0;
  }

  /// The port that was asked for, or the session's, or the usual one.
  static int port(@Nullable Integer wanted) {
    if (wanted != null) {
      return wanted;
    }
    Session session = Session.read(Session.file());
    return session != null && session.adminPort() > 0 ? session.adminPort() : ADMIN_PORT_DEFAULT;
  }
}
