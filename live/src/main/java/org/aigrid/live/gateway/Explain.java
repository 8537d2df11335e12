package org.aigrid.live.gateway;

import java.util.Locale;
import org.aigrid.core.route.Explanation;
import org.aigrid.core.route.Route;

/// A decision's reasons as one line of JSON for a response header, at most `BYTES_MAX` long.
final class Explain {
  /// Room that a header line has; candidates that do not fit are left out, the chosen one never.
  static final int BYTES_MAX = 8_000;

  private Explain() {}

  static String json(Explanation explanation) {
    int chosen = explanation.route() instanceof Route.Placed placed ? placed.endpoint() : -1;
    var text = new StringBuilder(1_024);
    text.append("{\"view\":").append(explanation.viewRevision());
    switch (explanation.route()) {
      case Route.Placed placed ->
          text.append(",\"reason\":\"")
              .append(lower(placed.reason()))
              .append("\",\"cost_ms\":")
              .append(tenths(placed.costMs()));
      case Route.Refused refused ->
          text.append(",\"refused\":\"").append(lower(refused.why())).append('"');
    }
    text.append(",\"candidates\":[");
    String separator = "";
    for (Explanation.Candidate candidate : explanation.candidateList()) {
      boolean isChosen = candidate.endpoint() == chosen;
      if (!isChosen && text.length() > BYTES_MAX - 600) {
        continue;
      }
      text.append(separator)
          .append("{\"site\":\"")
          .append(candidate.siteId())
          .append("\",\"standing\":\"")
          .append(isChosen ? "chosen" : lower(candidate.standing()))
          .append('"');
      if (candidate.costMs() > 0) {
        text.append(",\"cached_tokens\":")
            .append(candidate.cachedTokens())
            .append(",\"round_trip_ms\":")
            .append(tenths(candidate.roundTripMs()))
            .append(",\"queue_ms\":")
            .append(tenths(candidate.queueMs()))
            .append(",\"prefill_ms\":")
            .append(tenths(candidate.prefillMs()))
            .append(",\"decode_ms\":")
            .append(tenths(candidate.decodeMs()))
            .append(",\"eviction_ms\":")
            .append(tenths(candidate.evictionMs()))
            .append(",\"cost_ms\":")
            .append(tenths(candidate.costMs()));
      }
      text.append('}');
      separator = ",";
    }
    return text.append("]}").toString();
  }

  private static String lower(Enum<?> value) {
    return value.name().toLowerCase(Locale.ROOT);
  }

  private static double tenths(double ms) {
    return Math.round(ms * 10) / 10.0;
  }
}
