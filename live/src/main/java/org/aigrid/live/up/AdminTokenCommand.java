package org.aigrid.live.up;

import java.time.Instant;
import java.util.HexFormat;
import org.aigrid.live.books.TenantDirectory;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.Parameters;
import picocli.CommandLine.Spec;
import tools.jackson.databind.node.ObjectNode;

/// Gives administrators tokens of their own.
@Command(
    name = "admin-token",
    description = {
      "Gives each administrator of the running grid (./grid up --data DIR) a token of their own, so that"
          + " ./grid tenants audit says who did what. The token that ./grid up makes at each start goes"
          + " on working; what is done with it stands in the audit as session/USER.",
      "",
      "  ./grid admin-token new ann --expires 90d    the token goes to standard error, once",
      "  GRID_ADMIN_TOKEN=... ./grid tenants list    how ann uses it",
      "  ./grid admin-token revoke ann               at once",
      ""
    },
    mixinStandardHelpOptions = true,
    synopsisSubcommandLabel = "(new | list | revoke)")
final class AdminTokenCommand implements Runnable {
  @Spec private @Nullable CommandSpec spec;

  @Override
  public void run() {
    if (spec != null) {
      spec.commandLine().usage(spec.commandLine().getOut());
    }
  }

  @Command(
      name = "new",
      description =
          "Makes a token; it goes to standard error, and the grid keeps its SHA-256 only. A name is"
              + " used once.",
      mixinStandardHelpOptions = true)
  int make(
      @Mixin AdminCall admin,
      @Parameters(paramLabel = "NAME", description = "Whose it is, for the audit.") String name,
      @Option(
              names = "--expires",
              paramLabel = "WHEN",
              description =
                  "When it ends: 90d, or a day such as 2027-01-31 (to its end, UTC). Default: never.")
          @Nullable String expires)
      throws InterruptedException {
    String secret = KeyStore.newSecret(KeyStore.ADMIN_PREFIX);
    ObjectNode body =
        AdminCall.body()
            .put("name", name)
            .put("sha256", HexFormat.of().formatHex(TenantDirectory.hash(secret)));
    if (expires != null) {
      body.put("expires", Times.ahead("--expires", expires, Instant.now()).toString());
    }
    order(admin, "admin-tokens.new", body);
    if (spec != null) {
      spec.commandLine().getErr().println(secret);
    }
    return 0;
  }

  @Command(
      name = "list",
      description = "Who has a token, and until when.",
      mixinStandardHelpOptions = true)
  int list(@Mixin AdminCall admin) throws InterruptedException {
    return order(admin, "admin-tokens.list", AdminCall.body());
  }

  @Command(name = "revoke", description = "Ends a token at once.", mixinStandardHelpOptions = true)
  int revoke(@Mixin AdminCall admin, @Parameters(paramLabel = "NAME") String name)
      throws InterruptedException {
    return order(admin, "admin-tokens.revoke", AdminCall.body().put("name", name));
  }

  private int order(AdminCall admin, String order, ObjectNode body) throws InterruptedException {
    if (spec != null) {
      admin.print(order, body, spec.commandLine().getOut());
    }
    return 0;
  }
}
