package org.aigrid.live.up;

import java.net.URLEncoder;
import java.nio.charset.StandardCharsets;
import java.util.concurrent.Callable;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.Parameters;
import picocli.CommandLine.Spec;

/// Tells the running grid that a caller has moved, in the place of the operator's network.
@Command(
    name = "move",
    description = {
      "Tells the running grid where the caller of a session is, as the operator's network would.",
      "",
      "A session is what a client calls its conversation: prompt_cache_key in the body of its"
          + " requests, or the header x-grid-session.",
      "",
      "  ./grid move chat-17 cell-koto                 its caller is in the cell of cell-koto now",
      "  ./grid move chat-17 cell-koto --in-ms 20000   it will be in 20 s",
      "",
      "Its next turn is routed from there, and the prompt so far is computed there ahead, within a"
          + " budget. A stream under way goes after its caller when the caller has stayed for 2 s"
          + " and moving is cheaper than the longer way; else it stays to its end. What came of it"
          + " is in the gateway's metrics: grid_handovers, grid_prewarms, grid_prewarm_turns,"
          + " grid_kept_streams, and grid_moves with why=\"handover\".",
      ""
    },
    mixinStandardHelpOptions = true,
    sortOptions = false)
final class MoveCommand implements Callable<Integer> {
  @Spec private @Nullable CommandSpec spec;

  @Parameters(
      index = "0",
      paramLabel = "SESSION",
      description = "The session, as its client calls it.")
  private String session = "";

  @Parameters(
      index = "1",
      paramLabel = "SITE",
      description = "Id of the site whose cell it is; ./grid sites lists them.")
  private String site = "";

  @Option(
      names = "--in-ms",
      paramLabel = "MS",
      description = "It is not there yet but is expected there in so many milliseconds.")
  private long inMs;

  @Option(
      names = "--tenant",
      paramLabel = "T",
      description = "Whose session, where several tenants use one name.")
  private @Nullable String tenant;

  @Option(
      names = "--admin-port",
      paramLabel = "PORT",
      description = "Loopback port of the admin endpoint. Default: the session's.")
  private @Nullable Integer adminPort;

  @Override
  public Integer call() throws InterruptedException {
    String path =
        "/callers/"
            + URLEncoder.encode(session, StandardCharsets.UTF_8).replace("+", "%20")
            + "/cell/"
            + site
            + "?in-ms="
            + inMs
            + (tenant == null
                ? ""
                : "&tenant=" + URLEncoder.encode(tenant, StandardCharsets.UTF_8));
    AdminCall.exchange(SitesCommand.port(adminPort), path, "");
    if (spec != null) {
      String when = inMs == 0 ? "is at " + site : "is expected at " + site + " in " + inMs + " ms";
      spec.commandLine().getOut().println("The caller of " + session + " " + when + ".");
    }
    return 0;
  }
}
