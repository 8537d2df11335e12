package org.aigrid.twin.demand;

import java.util.List;
import org.aigrid.core.model.ServiceTier;

/// One kind of request: how often, how long, how soon. Immutable.
///
/// @param name for people
/// @param latencyClass control, voice, interactive, batch, ...: what it is grouped by
/// @param model what it asks for
/// @param share of all requests
/// @param input tokens of the prompt
/// @param output tokens of the answer
/// @param burstiness coefficient of variation of the gaps between requests: 1 is Poisson
/// @param day how its rate goes through the day
/// @param ttftMsMax its objective for the first token
/// @param tpotMsMax its objective for each further token
/// @param latencyMsMax its objective for the whole answer; infinite for none
/// @param deadlineMs how long its callers wait for a first token at most
/// @param followUpShare share of requests that go on with a conversation, whose text so far comes
///   first in the prompt
/// @param movedShare of these, the share whose caller is in another cell by then
/// @param requestsPerMinuteMax that its tenant may send in the country; more are refused at the
///   gateways, each with its people's share; infinite for no limit
/// @param jurisdictions where its requests may be processed; empty for everywhere
public record Service(
    String name,
    String latencyClass,
    String model,
    double share,
    Lengths input,
    Lengths output,
    double burstiness,
    DayShape day,
    double ttftMsMax,
    double tpotMsMax,
    double latencyMsMax,
    int deadlineMs,
    double followUpShare,
    double movedShare,
    double requestsPerMinuteMax,
    List<String> jurisdictions) {
  /// A service that may be processed everywhere.
  public Service(
      String name,
      String latencyClass,
      String model,
      double share,
      Lengths input,
      Lengths output,
      double burstiness,
      DayShape day,
      double ttftMsMax,
      double tpotMsMax,
      double latencyMsMax,
      int deadlineMs,
      double followUpShare,
      double movedShare,
      double requestsPerMinuteMax) {
    this(
        name,
        latencyClass,
        model,
        share,
        input,
        output,
        burstiness,
        day,
        ttftMsMax,
        tpotMsMax,
        latencyMsMax,
        deadlineMs,
        followUpShare,
        movedShare,
        requestsPerMinuteMax,
        List.of());
  }

  public Service {
    jurisdictions = List.copyOf(jurisdictions);
    require(share > 0, name, "share", share, "above 0");
    require(burstiness > 0 && burstiness <= 100, name, "burstiness", burstiness, "above 0 to 100");
    require(ttftMsMax > 0, name, "ttftMsMax", ttftMsMax, "above 0");
    require(tpotMsMax > 0, name, "tpotMsMax", tpotMsMax, "above 0");
    require(latencyMsMax > 0, name, "latencyMsMax", latencyMsMax, "above 0");
    require(deadlineMs > 0, name, "deadlineMs", deadlineMs, "above 0");
    require(
        followUpShare >= 0 && followUpShare < 1, name, "followUpShare", followUpShare, "0 to 1");
    require(
        requestsPerMinuteMax >= 1, name, "requestsPerMinuteMax", requestsPerMinuteMax, "1 or more");
    require(movedShare >= 0 && movedShare <= 1, name, "movedShare", movedShare, "0 to 1");
  }

  private static void require(
      boolean holds, String service, String name, double value, String expected) {
    if (!holds) {
      throw new IllegalArgumentException(
          name + " of service " + service + ": " + value + " (expected: " + expected + ")");
    }
  }

  /// How urgent its requests are, by its latency class.
  public ServiceTier tier() {
    return switch (latencyClass) {
      case "media", "frame", "control" -> ServiceTier.REALTIME;
      case "recommendation", "voice", "interactive" -> ServiceTier.INTERACTIVE;
      case "batch" -> ServiceTier.BACKGROUND;
      case "harvest" -> ServiceTier.HARVEST;
      default -> ServiceTier.STANDARD;
    };
  }

  /// This service with another share.
  public Service withShare(double other) {
    return new Service(
        name,
        latencyClass,
        model,
        other,
        input,
        output,
        burstiness,
        day,
        ttftMsMax,
        tpotMsMax,
        latencyMsMax,
        deadlineMs,
        followUpShare,
        movedShare,
        requestsPerMinuteMax,
        jurisdictions);
  }

  /// Whether an answer met all objectives.
  public boolean met(double ttftMs, double latencyMs, int outputTokens) {
    return ttftMs <= ttftMsMax
        && latencyMs <= latencyMsMax
        && latencyMs - ttftMs <= tpotMsMax * Math.max(0, outputTokens - 1);
  }
}
