package org.aigrid.bench.route;

import java.util.List;
import java.util.SplittableRandom;
import java.util.concurrent.TimeUnit;
import org.aigrid.core.model.LocationLevel;
import org.aigrid.core.model.ServiceTier;
import org.aigrid.core.model.SiteSpec;
import org.aigrid.core.policy.Compilation;
import org.aigrid.core.policy.PolicyAction;
import org.aigrid.core.policy.PolicySet;
import org.aigrid.core.policy.Principal;
import org.aigrid.core.policy.RequestFacts;
import org.aigrid.core.policy.SiteFacts;
import org.aigrid.core.residency.Residency;
import org.aigrid.core.residency.ResidencyVerdict;
import org.aigrid.core.residency.SiteClasses;
import org.aigrid.core.residency.SiteResidency;
import org.aigrid.core.view.Roster;
import org.aigrid.core.view.SiteSet;
import org.openjdk.jmh.annotations.Benchmark;
import org.openjdk.jmh.annotations.BenchmarkMode;
import org.openjdk.jmh.annotations.Level;
import org.openjdk.jmh.annotations.Mode;
import org.openjdk.jmh.annotations.OutputTimeUnit;
import org.openjdk.jmh.annotations.Param;
import org.openjdk.jmh.annotations.Scope;
import org.openjdk.jmh.annotations.Setup;
import org.openjdk.jmh.annotations.State;

/// What residency costs: one site before something is sent there, the sites of a roster of 200,000
/// before a router chooses, and preparing that when a policy changes.
///
/// One set holds the policies of a whole grid: `policies` of other tenants', and ten that concern
/// the principal, with conditions on site, tags, tier and, where `context` is true, on the request.
/// Sites and requests are drawn beforehand, 4,096 of each.
@State(Scope.Benchmark)
@BenchmarkMode(Mode.AverageTime)
@OutputTimeUnit(TimeUnit.NANOSECONDS)
public class PolicyDecision {
  private static final int DRAWS = 1 << 12;

  /// Policies of other tenants in the same set.
  @Param({"0", "900"})
  public int policies;

  /// Whether policies of the principal read the request.
  @Param({"false", "true"})
  public boolean context;

  private final int[] sites = new int[DRAWS];
  private final SiteFacts[] facts = new SiteFacts[DRAWS];
  private final RequestFacts[] requests = new RequestFacts[DRAWS];
  private PolicySet set = PolicySet.EMPTY;
  private Principal principal = Principal.tenant("messenger", "JP");
  private Residency residency = new Residency(principal, List.of(), null);
  private SiteClasses classes = SiteClasses.of(Roster.EMPTY, _ -> LocationLevel.L1, List.of());
  private SiteResidency ahead = residency.on(classes);
  private int next;

  /// Builds the roster, the policies and the questions.
  @Setup(Level.Trial)
  public void prepare() {
    var random = new SplittableRandom(4);
    set = compiled(text());
    principal =
        new Principal("messenger", "chat", "JP", ServiceTier.INTERACTIVE, List.of("large", "paid"));
    residency = new Residency(principal, List.of(set), List.of("JP", "DE"));
    Roster roster = Roster.of(mixed(new LargeGrid(1).sites));
    classes = SiteClasses.of(roster, PolicyDecision::level, List.of(residency));
    ahead = residency.on(classes);
    for (int i = 0; i < DRAWS; i++) {
      sites[i] = random.nextInt(roster.siteCount());
      var spec = roster.siteSpec(sites[i]);
      facts[i] =
          spec == null
              ? new SiteFacts(null, null, null, null, null)
              : SiteFacts.of(spec, level(spec));
      requests[i] =
          new RequestFacts(
              ServiceTier.values()[random.nextInt(5)],
              random.nextBoolean() ? "llama-3.1-8b" : "llama-3.1-70b",
              random.nextInt(4) == 0 ? List.of("JP") : null);
    }
  }

  /// The sites with eight operators in four jurisdictions: with tiers and levels some hundred
  /// classes.
  private static List<SiteSpec> mixed(List<SiteSpec> sites) {
    var jurisdictions = List.of("JP", "DE", "KR", "US");
    return sites.stream()
        .map(
            site -> {
              int hash = site.id().hashCode() >>> 2;
              return new SiteSpec(
                  site.id(),
                  site.name(),
                  site.tier(),
                  site.region(),
                  site.position(),
                  jurisdictions.get(hash % 4),
                  "operator-" + hash / 4 % 8,
                  site.endpoints());
            })
        .toList();
  }

  private static LocationLevel level(SiteSpec site) {
    return LocationLevel.values()[Math.floorMod(site.id().hashCode(), 3)];
  }

  private String text() {
    var text = new StringBuilder();
    for (int i = 0; i < policies; i++) {
      text.append("permit (principal in Tenant::\"tenant-")
          .append(i)
          .append("\", action, resource in Jurisdiction::\"JP\") when { resource.level >= 2 };\n");
    }
    for (int i = 0; i < 5; i++) {
      text.append(
              "forbid (principal in Tenant::\"messenger\", action, resource in Operator::\"foe-")
          .append(i)
          .append(
              "\") when { resource.tier == \"cell\" && principal.tags.contains(\"large\") };\n");
    }
    for (int i = 0; i < 5; i++) {
      text.append("permit (principal in Tenant::\"messenger\", action, resource)")
          .append(" when { [\"DE\", \"JP\"].contains(resource.jurisdiction) && resource.level >= ")
          .append(3 - i / 2)
          .append(
              context ? " && context.tier != \"harvest\" && context.model like \"llama-*\"" : "")
          .append(" };\n");
    }
    return text.toString();
  }

  private static PolicySet compiled(String text) {
    return switch (PolicySet.compile(text)) {
      case Compilation.Accepted(PolicySet set, _) -> set;
      case Compilation.Refused refused ->
          throw new IllegalStateException(refused.mistakes().toString());
    };
  }

  private int next() {
    next = (next + 1) & (DRAWS - 1);
    return next;
  }

  /// The chosen site's facts, every policy evaluated: what a site agent asks.
  @Benchmark
  public ResidencyVerdict checkFacts() {
    int i = next();
    return residency.check(PolicyAction.INFER, facts[i], requests[i]);
  }

  /// The chosen site by its index, decided ahead where that is possible: what a gateway asks.
  @Benchmark
  public boolean checkSite() {
    int i = next();
    return ahead.permits(PolicyAction.INFER, sites[i], requests[i]);
  }

  /// The permitted sites of the roster, and a look at one of them: what a router needs.
  @Benchmark
  public boolean permittedSites() {
    int i = next();
    SiteSet permitted = ahead.sites(PolicyAction.INFER, requests[i]);
    return permitted.contains(sites[i]);
  }

  /// A key's residency made anew for the roster's classes, as after a policy change.
  @Benchmark
  public SiteResidency prepareKey() {
    return new Residency(principal, List.of(set), List.of("JP", "DE")).on(classes);
  }
}
