package org.aigrid.live.up;

import java.util.ArrayList;
import java.util.List;
import java.util.Locale;

/// The sites of a grid as lines of text: one line an endpoint.
final class SitesTable {
  private static final String FORMAT = "%-18s %-9s %-9s %8s %7s %7s %8s %8s %10s  %s";

  private SitesTable() {}

  static List<String> lines(List<SiteState> sites) {
    var lines = new ArrayList<String>();
    lines.add(
        String.format(
            FORMAT, "SITE", "TIER", "STATE", "LEASE", "RADIO", "AI", "RUNNING", "WAITING", "TOKENS",
            "ENGINE"));
    for (SiteState site : sites) {
      String id = site.id();
      for (SiteState.EndpointState endpoint : site.endpoints()) {
        boolean first = id.equals(site.id());
        lines.add(
            String.format(
                Locale.ROOT,
                FORMAT,
                id,
                first ? lower(site.tier()) : "",
                first ? lower(site.state()) : "",
                first ? lease(site.leaseMs()) : "",
                first && site.radio() >= 0 ? percent(site.radio()) : "",
                first && site.radio() >= 0 ? percent(site.aiShare()) : "",
                endpoint.running(),
                endpoint.waiting(),
                String.format(Locale.ROOT, "%,d", endpoint.contextTokens()),
                endpoint.model() + " (" + endpoint.engine() + ")"));
        id = "";
      }
    }
    return lines;
  }

  private static String percent(double share) {
    return Math.round(100 * share) + " %";
  }

  private static String lower(Enum<?> value) {
    return value.name().toLowerCase(Locale.ROOT);
  }

  private static String lease(long ms) {
    return ms <= 0 ? "ended" : String.format(Locale.ROOT, "%.1f s", ms / 1_000.0);
  }
}
