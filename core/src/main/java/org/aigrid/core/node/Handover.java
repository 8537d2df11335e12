package org.aigrid.core.node;

import java.util.SplittableRandom;
import org.aigrid.core.load.InFlight;
import org.aigrid.core.load.PrefixIndex;
import org.aigrid.core.load.PromptBlocks;
import org.aigrid.core.route.Route;
import org.aigrid.core.route.RouteRequest;
import org.aigrid.core.route.Router;
import org.aigrid.core.route.UnderWay;
import org.aigrid.core.view.GridView;

/// Whether a stream whose caller has moved stays where it is or goes on nearer to it.
///
/// Both ways cost milliseconds of its reader, the router's currency:
///
/// - **staying**: the round trip to where it is, felt once in `tokensPerTrip` tokens of what is
///   still to come while the caller is at the cell; decoding slower than a reader's pace; the
///   expected cost of having to move for the radio.
/// - **moving**: the same at the target, and the pause until its first token: round trip, queue and
///   prefill of what it does not hold; what the prefill costs those who wait behind it; a margin.
///
/// Where moving does not pay because the target would have to compute the whole prompt, it may pay
/// when that is done *before* the stream is held (make before break). Every target is found by the
/// router, from the caller's new cell and without the present endpoint, so nothing that is not
/// permitted can be weighed. Pure but for the router's scratch; two to four microseconds.
public final class Handover {
  /// What was weighed, in milliseconds.
  ///
  /// @param restTokens still to come while the caller is there
  /// @param trips how often a round trip is felt in these
  /// @param stayMs of staying, in all
  /// @param pauseMs until the target's first token
  /// @param workMs what the target has to compute, weighed
  /// @param moveMs of moving, in all, the margin included; infinite where the stream might stand
  ///   still for longer than it may be held
  public record Terms(
      int restTokens, double trips, double stayMs, double pauseMs, double workMs, double moveMs) {
    /// Whether moving is cheaper.
    public boolean worthIt() {
      return restTokens > 0 && moveMs < stayMs;
    }
  }

  /// The answer.
  public sealed interface Decision {
    /// Goes on there.
    record Move(Route.Placed target, Terms terms) implements Decision {}

    /// Would go on there if the prompt were computed first: do that and ask again.
    record Warm(Route.Placed target, Terms terms) implements Decision {}

    /// Stays: moving is not cheaper.
    record Stay(Terms terms) implements Decision {}

    /// Stays: no other place is permitted and ready.
    record NoPlace(Route.Refused why) implements Decision {}
  }

  /// A pause is waited for up to so many times what is expected of it.
  private static final double PATIENCE = 2;

  private Handover() {}

  /// Weighs one stream.
  ///
  /// @param request of the stream as it would be routed now: from the caller's new cell, what was
  ///   generated counted to its prompt, `restTokens` as its output, `present` among those tried
  /// @param present endpoint where it runs
  /// @param generated tokens so far
  /// @param stayMs how long the caller is expected to stay at its cell
  /// @param mayWarm whether the prompt may be computed at the target first
  /// @param router one that does not explore: a move is no place to learn
  public static Decision decide(
      Router router,
      GridView view,
      InFlight inFlight,
      PrefixIndex prefixes,
      RouteRequest request,
      int present,
      int generated,
      long stayMs,
      boolean mayWarm,
      HandoverSettings settings,
      SplittableRandom random,
      long nowMs) {
    Route direct = router.route(view, inFlight, prefixes, request, random, nowMs);
    if (direct instanceof Route.Refused why) {
      return new Decision.NoPlace(why);
    }
    Route.Placed target = (Route.Placed) direct;
    UnderWay here = router.underWay(view, inFlight, request, present);
    Terms cold = against(router, view, inFlight, request, here, target, stayMs, 0, settings);
    if (cold.worthIt()) {
      return new Decision.Move(target, cold);
    }
    if (mayWarm
        && router.route(view, inFlight, prefixes, asIfWarm(request, generated), random, nowMs)
            instanceof Route.Placed warmed) {
      int ahead = Math.max(0, request.promptTokens() - generated - PromptBlocks.BLOCK_TOKENS);
      Terms warm = against(router, view, inFlight, request, here, warmed, stayMs, ahead, settings);
      if (warm.worthIt()) {
        return new Decision.Warm(warmed, warm);
      }
    }
    return new Decision.Stay(cold);
  }

  /// A request as it will find a place that has computed its prompt: what is left to compute is
  /// what was generated and the block in which the next turn differs. Prefixes are left out, so
  /// that it is placed by where the caller is and not by where the prompt was.
  public static RouteRequest asIfWarm(RouteRequest request, int generated) {
    return new RouteRequest(
        request.model(),
        Math.min(request.promptTokens(), generated + PromptBlocks.BLOCK_TOKENS),
        request.outputTokensMax(),
        null,
        request.originSite(),
        request.jurisdictionBits(),
        request.permitted(),
        request.deadlineMs(),
        request.tier(),
        request.triedEndpoints());
  }

  /// How many tokens are still to come. Lengths are taken to be memoryless: what has been generated
  /// says nothing of what is left, save for the client's bound.
  ///
  /// @param outputTokensMax the client's bound, or 0
  /// @param meanTokens of an answer
  public static int restTokens(int outputTokensMax, int generated, int meanTokens) {
    return outputTokensMax > 0
        ? Math.max(0, Math.min(meanTokens, outputTokensMax - generated))
        : meanTokens;
  }

  private static Terms against(
      Router router,
      GridView view,
      InFlight inFlight,
      RouteRequest request,
      UnderWay here,
      Route.Placed target,
      long stayMs,
      int aheadTokens,
      HandoverSettings settings) {
    UnderWay there = router.underWay(view, inFlight, request, target.endpoint());
    double msPerToken = there.prefillMs() / request.promptTokens();
    double workMs = (target.uncachedTokens() + aheadTokens) * msPerToken;
    return weigh(
        here, there, target.firstTokenMs(), workMs, request.outputTokensMax(), stayMs, settings);
  }

  /// The sum itself.
  ///
  /// @param pauseMs from the last token of the one to the first of the other
  /// @param workMs of prefill at the target, done before or in the pause
  /// @param restTokens still to come
  public static Terms weigh(
      UnderWay here,
      UnderWay there,
      double pauseMs,
      double workMs,
      int restTokens,
      long stayMs,
      HandoverSettings settings) {
    double pace = Math.max(0.001, here.tokenMs());
    int rest = (int) Math.min(restTokens, stayMs / pace);
    double trips = rest / settings.tokensPerTrip();
    double staying = trips * here.roundTripMs() + here.decodeMs() + here.evictionMs();
    double weighedMs = workMs * settings.workShare();
    boolean tooLong = pauseMs * PATIENCE > settings.holdMsMax();
    double moving =
        trips * there.roundTripMs()
            + there.decodeMs()
            + there.evictionMs()
            + pauseMs
            + weighedMs
            + settings.marginMs();
    return new Terms(
        rest, trips, staying, pauseMs, weighedMs, tooLong ? Double.POSITIVE_INFINITY : moving);
  }
}
