package org.aigrid.live.up;

import java.util.List;
import java.util.Locale;
import java.util.concurrent.Callable;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.Spec;
import tools.jackson.databind.node.ArrayNode;
import tools.jackson.databind.node.ObjectNode;

/// Who used what of the running grid.
@Command(
    name = "usage",
    description = {
      "What was used and charged, from the books of the running grid.",
      "",
      "  ./grid usage                                          this month, by tenant and model",
      "  ./grid usage --tenant ministry --by site,day",
      "  ./grid usage --month 2026-11 --format focus > focus.csv   FOCUS 1.2",
      ""
    },
    mixinStandardHelpOptions = true,
    sortOptions = false)
final class UsageCommand implements Callable<Integer> {
  /// How to print it.
  enum Format {
    TABLE,
    CSV,
    JSON,
    FOCUS,
    FOCUS_JSON
  }

  @Spec private @Nullable CommandSpec spec;
  @Mixin private AdminCall admin = new AdminCall();

  @Option(names = "--tenant", paramLabel = "T", description = "Of one tenant. Default: all.")
  private @Nullable String tenant;

  @Option(names = "--project", paramLabel = "P", description = "Of one project. Default: all.")
  private @Nullable String project;

  @Option(
      names = "--month",
      paramLabel = "YYYY-MM",
      description = "Which month, in UTC. Default: this one.")
  private @Nullable String month;

  @Option(
      names = "--by",
      split = ",",
      paramLabel = "WHAT",
      description =
          "Sums by tenant, project, key, model, tier, site, jurisdiction, operator, day. Default:"
              + " tenant,model.")
  private @Nullable List<String> by;

  @Option(
      names = "--format",
      paramLabel = "F",
      description = "table, csv, json, focus or focus_json. Default: table.")
  private Format format = Format.TABLE;

  @Override
  public Integer call() throws InterruptedException {
    ObjectNode body = AdminCall.body();
    body.put("format", format.name().toLowerCase(Locale.ROOT).replace('_', '-'));
    if (tenant != null) {
      body.put("tenant", tenant);
    }
    if (project != null) {
      body.put("project", project);
    }
    if (month != null) {
      body.put("month", month);
    }
    if (by != null) {
      ArrayNode names = body.putArray("by");
      by.forEach(names::add);
    }
    if (spec != null) {
      admin.print("usage", body, spec.commandLine().getOut());
    }
    return 0;
  }
}
