package org.aigrid.twin.residency;

import java.util.ArrayList;
import java.util.List;
import org.aigrid.core.model.ServiceTier;
import org.aigrid.core.policy.PolicyAction;
import org.aigrid.core.policy.Principal;
import org.aigrid.core.policy.SiteFacts;
import org.jspecify.annotations.Nullable;

/// Judges what sites wrote down by what tenants and clients said, and by nothing that the grid
/// computed: neither a compiled policy nor a set of sites nor a route. One thread.
final class Audit {
  /// What a tenant said from some step on.
  ///
  /// @param layers that all have to permit; with none, the home rule decides
  record Said(long fromStep, List<DrawnPolicies> layers) {}

  /// A tenant, whose policies change.
  ///
  /// @param keyJurisdictions to where its key is bound, or null
  record Tenant(Principal principal, @Nullable List<String> keyJurisdictions, List<Said> history) {
    private Said saidAt(long step) {
      Said last = history.getFirst();
      for (Said said : history) {
        if (said.fromStep() > step) {
          break;
        }
        last = said;
      }
      return last;
    }
  }

  private static final DrawnPolicies NONE = new DrawnPolicies("", List.of());

  private final List<Tenant> tenants;
  private final List<Asked> requests;

  Audit(List<Tenant> tenants, List<Asked> requests) {
    this.tenants = tenants;
    this.requests = requests;
  }

  /// What must never happen, a sentence each: an order that the policies did not permit when it was
  /// signed, for the site that the registry knows; work that they did not permit when it began, at
  /// the site as it is.
  List<String> violations(SiteRecord record) {
    var sentences = new ArrayList<String>();
    if (!permits(record, record.registered(), record.signedStep())) {
      sentences.add(
          "a %s was ordered at %s in step %d, where request %d may not go"
              .formatted(
                  record.path().word(),
                  record.registered(),
                  record.signedStep(),
                  record.request()));
    }
    if (record.begun() && !permits(record, record.own(), record.step())) {
      sentences.add(
          "a %s began at %s in step %d, where request %d may not go"
              .formatted(record.path().word(), record.own(), record.step(), record.request()));
    }
    return sentences;
  }

  private boolean permits(SiteRecord record, SiteFacts site, long step) {
    Asked asked = requests.get(record.request());
    Tenant tenant = tenants.get(asked.tenant());
    String jurisdiction = site.jurisdiction();
    if (site.id() == null
        || jurisdiction == null
        || site.operator() == null
        || site.tier() == null
        || site.level() == null) {
      return false;
    }
    List<String> key = tenant.keyJurisdictions();
    List<String> narrowing = asked.narrowing();
    if ((key != null && !key.contains(jurisdiction))
        || (narrowing != null && !narrowing.contains(jurisdiction))) {
      return false;
    }
    boolean ahead = record.path() == WorkPath.PREWARM;
    var question =
        new DrawnPolicies.Question(
            tenant.principal(),
            ahead ? PolicyAction.PREWARM : PolicyAction.INFER,
            site,
            ahead ? ServiceTier.BACKGROUND : asked.tier(),
            asked.model(),
            narrowing);
    List<DrawnPolicies> layers = tenant.saidAt(step).layers();
    return (layers.isEmpty() ? List.of(NONE) : layers)
        .stream().allMatch(layer -> layer.permit(question));
  }
}
