package org.aigrid.live.up;

import java.io.IOException;
import java.io.PrintWriter;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import org.aigrid.core.model.LocationLevel;
import org.aigrid.core.model.ServiceTier;
import org.aigrid.core.model.SiteSpec;
import org.aigrid.core.model.Tier;
import org.aigrid.core.policy.BoundPolicies;
import org.aigrid.core.policy.Outcome;
import org.aigrid.core.policy.Policy;
import org.aigrid.core.policy.PolicyAction;
import org.aigrid.core.policy.PolicyExplanation;
import org.aigrid.core.policy.PolicySet;
import org.aigrid.core.policy.Principal;
import org.aigrid.core.policy.RequestFacts;
import org.aigrid.core.policy.SiteFacts;
import org.aigrid.core.residency.Narrowing;
import org.aigrid.core.residency.Residency;
import org.aigrid.core.residency.ResidencyExplanation;
import org.aigrid.core.residency.ResidencyVerdict;
import org.aigrid.live.policy.PolicyException;
import org.aigrid.live.policy.PolicyFile;
import org.aigrid.live.policy.PolicyTests;
import org.aigrid.live.topology.Topology;
import org.aigrid.live.topology.TopologyException;
import org.aigrid.live.topology.TopologyFile;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.Parameters;
import picocli.CommandLine.Spec;

/// Policy files before they are used: are they well formed, what do they say, do they say what was
/// meant. Needs no running grid.
@Command(
    name = "policy",
    description = {
      "Checks, explains and tests policies: where whose work may run. Needs no running grid.",
      "",
      "A policy file is a text of permits and forbids (a subset of Cedar; docs/policy.md):",
      "",
      "  permit (principal in Tenant::\"messenger\", action, resource in Jurisdiction::\"JP\");",
      "",
      "  forbid (principal, action == Action::\"batch\", resource)",
      "  when { resource.tier == \"cell\" && principal.tags.contains(\"ministry\") };",
      "",
      "What no permit allows is denied, and a forbid overrides every permit. A tenant without any"
          + " permit has its home jurisdiction.",
      "",
      "  ./grid policy check FILE.cedar",
      "  ./grid policy explain FILE.cedar --tenant messenger --home JP",
      "  ./grid policy explain FILE.cedar --tenant messenger --jurisdiction US --operator partner",
      "  ./grid policy test FILE.toml",
      ""
    },
    mixinStandardHelpOptions = true,
    synopsisSubcommandLabel = "(check | explain | test)")
final class PolicyCommand implements Runnable {
  @Spec private @Nullable CommandSpec spec;

  @Override
  public void run() {
    if (spec != null) {
      spec.commandLine().usage(out());
    }
  }

  private PrintWriter out() {
    return spec == null ? new PrintWriter(System.out, true) : spec.commandLine().getOut();
  }

  @Command(
      name = "check",
      description = {
        "Compiles policy files. Says their version, or every mistake with its line and column.",
        "",
        "The version is the SHA-256 of what a file says, whatever its layout and comments. Exit code"
            + " 1 when any file is refused.",
        ""
      },
      mixinStandardHelpOptions = true)
  int check(
      @Parameters(arity = "1..*", paramLabel = "FILE", description = "Policy files, *.cedar.")
          List<Path> files) {
    var refused = new ArrayList<String>();
    for (Path file : files) {
      try {
        PolicyFile read = PolicyFile.read(file);
        int count = read.set().policies().size();
        out()
            .println(
                file
                    + ": "
                    + count
                    + (count == 1 ? " policy" : " policies")
                    + ", version "
                    + read.version());
        read.remarks().forEach(remark -> out().println(remark));
      } catch (PolicyException e) {
        refused.add(String.valueOf(e.getMessage()));
      } catch (IOException e) {
        refused.add(unreadable(file, e));
      }
    }
    out().flush();
    if (!refused.isEmpty()) {
      throw new CommandFailure(
          "refused; nothing of a file with a mistake applies.\n" + String.join("\n", refused));
    }
    return 0;
  }

  @Command(
      name = "explain",
      description = {
        "Says whether something may happen at a site, and which policy decides.",
        "",
        "With --jurisdiction it asks about a site as described by the options; with --site alone,"
            + " about that site of a topology; with neither, about every site of the topology.",
        "",
        "  ./grid policy explain FILE.cedar --tenant messenger --home JP",
        "  ./grid policy explain FILE.cedar --tenant messenger --project chat --site hub-tomakomai",
        "  ./grid policy explain FILE.cedar --tenant ministry --jurisdiction US --operator partner"
            + " --level l1",
        "",
        "Exit code 0 when all that was asked about is permitted, else 1.",
        ""
      },
      mixinStandardHelpOptions = true,
      sortOptions = false)
  int explain(
      @Parameters(
              arity = "1..*",
              paramLabel = "FILE",
              description =
                  "Policy files; every one has to permit (the grid's, the tenant's, ...).")
          List<Path> files,
      @Option(
              names = "--tenant",
              required = true,
              paramLabel = "T",
              description = "On whose behalf.")
          String tenant,
      @Option(names = "--project", paramLabel = "P", description = "One of its projects.")
          @Nullable String project,
      @Option(
              names = "--home",
              paramLabel = "CODE",
              description = "The tenant's home jurisdiction. Default: not known.")
          @Nullable String home,
      @Option(names = "--tag", paramLabel = "TAG", description = "A tag of the tenant; repeat it.")
          @Nullable List<String> tags,
      @Option(
              names = "--tier",
              paramLabel = "TIER",
              defaultValue = "standard",
              description = "The most urgent class it may use (default: ${DEFAULT-VALUE}).")
          ServiceTier tier,
      @Option(
              names = "--action",
              paramLabel = "ACTION",
              defaultValue = "infer",
              description =
                  "infer, prewarm, batch, journal, receipt or log (default: ${DEFAULT-VALUE}).")
          PolicyAction action,
      @Option(names = "--site", paramLabel = "ID", description = "Id of the site.")
          @Nullable String site,
      @Option(
              names = "--jurisdiction",
              paramLabel = "CODE",
              description = "Whose law applies at the site.")
          @Nullable String jurisdiction,
      @Option(
              names = "--operator",
              paramLabel = "NAME",
              defaultValue = "an operator",
              description = "Who runs the site (default: ${DEFAULT-VALUE}).")
          String operator,
      @Option(
              names = "--site-tier",
              paramLabel = "TIER",
              defaultValue = "cell",
              description = "hub, regional or cell (default: ${DEFAULT-VALUE}).")
          Tier siteTier,
      @Option(
              names = "--level",
              paramLabel = "L",
              description =
                  "How well the site's place is known, l1 to l3 (default: what the topology says of"
                      + " it; with --jurisdiction l1).")
          @Nullable LocationLevel level,
      @Option(
              names = "--topology",
              paramLabel = "FILE",
              description = "Where sites are looked up. Default: the one that ./grid up starts.")
          @Nullable Path topology,
      @Option(
              names = "--model",
              paramLabel = "NAME",
              defaultValue = "a model",
              description = "The model asked for.")
          String model,
      @Option(
              names = "--service-tier",
              paramLabel = "TIER",
              defaultValue = "standard",
              description = "How urgent the request is (default: ${DEFAULT-VALUE}).")
          ServiceTier serviceTier,
      @Option(
              names = "--residency",
              paramLabel = "CODES",
              description = "To where the request narrows itself, as JP,DE.")
          @Nullable String residency,
      @Option(
              names = "--key",
              paramLabel = "CODES",
              description = "To where the API key is bound, as JP,DE.")
          @Nullable String key) {
    List<PolicySet> layers = files.stream().map(file -> read(file).set()).toList();
    Principal principal = principal(tenant, project, code("--home", home), tier, tags);
    var bound = new Residency(principal, layers, codes("--key", key));
    var request = new RequestFacts(serviceTier, model, codes("--residency", residency));
    if (jurisdiction != null) {
      var described =
          new SiteFacts(
              site == null ? "a-site" : site,
              code("--jurisdiction", jurisdiction),
              operator,
              siteTier,
              level == null ? LocationLevel.L1 : level);
      return explainOne(bound, action, described, request);
    }
    Topology sites = topology(topology);
    if (site == null) {
      return explainAll(bound, action, sites, level, request);
    }
    for (Topology.PlannedSite planned : sites.sites()) {
      if (planned.spec().id().equals(site)) {
        return explainOne(bound, action, facts(planned.spec(), level), request);
      }
    }
    throw new CommandFailure(
        "no site '"
            + site
            + "' in topology "
            + sites.name()
            + " (expected: one of "
            + String.join(", ", sites.sites().stream().map(s -> s.spec().id()).toList())
            + ", or --jurisdiction and what else the policies ask for)");
  }

  private static SiteFacts facts(SiteSpec site, @Nullable LocationLevel level) {
    return SiteFacts.of(site, level == null ? site.location().level() : level);
  }

  private int explainOne(
      Residency bound, PolicyAction action, SiteFacts site, RequestFacts request) {
    ResidencyExplanation why = bound.explain(action, site, request);
    out().println(why.sentence());
    for (PolicyExplanation layer : why.layers()) {
      for (PolicyExplanation.Line line : layer.policies()) {
        Policy policy = line.policy();
        String place = policy == BoundPolicies.HOME_RULE ? "" : " (line " + policy.line() + ")";
        out()
            .printf(
                "  %-6s %-28s %s%n",
                policy.effect().name().toLowerCase(Locale.ROOT),
                policy.id() + place,
                shown(line.outcome()));
      }
    }
    out().flush();
    return why.verdict().permitted() ? 0 : 1;
  }

  private static String shown(Outcome outcome) {
    return switch (outcome) {
      case APPLIES -> "applies";
      case DOES_NOT_APPLY -> "does not apply";
      case ERRS -> "cannot be evaluated: something it asks for is missing";
    };
  }

  private int explainAll(
      Residency bound,
      PolicyAction action,
      Topology sites,
      @Nullable LocationLevel level,
      RequestFacts request) {
    int permitted = 0;
    out().printf("%-28s %-4s %-16s %-9s %s%n", "site", "in", "operator", "tier", "answer");
    for (Topology.PlannedSite planned : sites.sites()) {
      SiteFacts site = facts(planned.spec(), level);
      ResidencyVerdict verdict = bound.check(action, site, request);
      permitted += verdict.permitted() ? 1 : 0;
      out()
          .printf(
              "%-28s %-4s %-16s %-9s %s%n",
              site.id(),
              site.jurisdiction(),
              site.operator(),
              planned.spec().tier().name().toLowerCase(Locale.ROOT),
              verdict.name().toLowerCase(Locale.ROOT).replace('_', ' '));
    }
    out()
        .printf(
            "%d of %d sites are permitted; --site ID says which policy decides.%n",
            permitted, sites.sites().size());
    out().flush();
    return permitted == sites.sites().size() ? 0 : 1;
  }

  @Command(
      name = "test",
      description = {
        "Runs the cases of test files: questions and the answers that policies have to give.",
        "",
        "  policy = [\"messenger.cedar\"]     # relative to the file; every one has to permit",
        "  [defaults]                       # any key of a case",
        "  tenant = \"messenger\"",
        "  home = \"JP\"",
        "  [[case]]",
        "  name = \"chats stay in Japan\"",
        "  jurisdiction = \"US\"              # the site's; also: site, operator, site-tier, level",
        "  expect = \"deny\"                  # or \"permit\"",
        "  by = \"chats stay home\"           # optional: the policy that decides",
        "",
        "Also: project, tags, tier, action, model, service-tier, residency, key-jurisdictions. Exit"
            + " code 1 when a case has another answer.",
        ""
      },
      mixinStandardHelpOptions = true)
  int test(
      @Parameters(arity = "1..*", paramLabel = "FILE", description = "Test files, *.toml.")
          List<Path> files) {
    int run = 0;
    int other = 0;
    for (Path file : files) {
      try {
        for (PolicyTests.Result result : PolicyTests.run(file)) {
          run++;
          other += result.asExpected() ? 0 : 1;
          String expected = result.of().permitted() ? "permit" : "deny";
          out()
              .println(
                  (result.asExpected() ? "ok     " : "WRONG  ")
                      + result.of().name()
                      + (result.asExpected()
                          ? ""
                          : "\n       "
                              + file
                              + ":"
                              + result.of().line()
                              + ": expected "
                              + expected
                              + (result.of().by() == null ? "" : " by '" + result.of().by() + "'")
                              + ", but "
                              + result.sentence()));
        }
      } catch (PolicyException e) {
        throw new CommandFailure("cannot run " + file + ".\n" + e.getMessage());
      } catch (IOException e) {
        throw new CommandFailure(unreadable(file, e));
      }
    }
    out().flush();
    if (other > 0) {
      throw new CommandFailure(other + " of " + run + " cases have another answer than expected");
    }
    out().println(run + " cases, all as expected.");
    out().flush();
    return 0;
  }

  private static PolicyFile read(Path file) {
    try {
      return PolicyFile.read(file);
    } catch (PolicyException e) {
      throw new CommandFailure("refused.\n" + e.getMessage());
    } catch (IOException e) {
      throw new CommandFailure(unreadable(file, e));
    }
  }

  private static String unreadable(Path file, IOException e) {
    return "cannot read "
        + file
        + (e instanceof NoSuchFileException ? ": there is no such file" : ": " + e.getMessage());
  }

  private static @Nullable List<String> codes(String option, @Nullable String text) {
    if (text == null) {
      return null;
    }
    List<String> parsed = Narrowing.parse(text);
    if (parsed == null) {
      throw new CommandFailure(
          option + " '" + text + "' (expected: two-letter codes of ISO 3166-1, such as JP,DE)");
    }
    return parsed;
  }

  private static @Nullable String code(String option, @Nullable String text) {
    List<String> parsed = codes(option, text);
    if (parsed == null) {
      return null;
    }
    if (parsed.size() > 1) {
      throw new CommandFailure(option + " '" + text + "' (expected: one code, such as JP)");
    }
    return parsed.getFirst();
  }

  private static Principal principal(
      String tenant,
      @Nullable String project,
      @Nullable String home,
      ServiceTier tier,
      @Nullable List<String> tags) {
    try {
      return new Principal(tenant, project, home, tier, tags == null ? List.of() : tags);
    } catch (IllegalArgumentException e) {
      throw new CommandFailure(String.valueOf(e.getMessage()));
    }
  }

  private static Topology topology(@Nullable Path file) {
    if (file == null) {
      return TopologyFile.bundled();
    }
    try {
      return TopologyFile.read(file);
    } catch (TopologyException e) {
      throw new CommandFailure(String.valueOf(e.getMessage()));
    } catch (IOException e) {
      throw new CommandFailure(unreadable(file, e));
    }
  }
}
