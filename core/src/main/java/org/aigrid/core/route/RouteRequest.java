package org.aigrid.core.route;

import org.aigrid.core.load.PromptBlocks;
import org.aigrid.core.model.ServiceTier;
import org.aigrid.core.unit.Clamp;
import org.aigrid.core.view.SiteSet;
import org.jspecify.annotations.Nullable;

/// What the router has to know of a request. Numbers that came from a client are clamped here.
///
/// @param model dense index in the view's roster, or -1 when nobody serves it
/// @param promptTokens estimated length of the prompt
/// @param outputTokensMax most tokens the client wants; 0 when it did not say
/// @param blocks hashes of the prompt under the tenant's salt, or null
/// @param originSite dense index of the site nearest to the caller, or -1
/// @param jurisdictionBits where it may be processed (`Roster.jurisdictionBits`); -1 permits all
/// @param permitted sites where its tenant's policies let it be processed; null where its
///   jurisdictions alone decide
/// @param deadlineMs time the client still waits for a first token
/// @param tier how urgent it is: less urgent ones find an endpoint saturated sooner
/// @param triedEndpoints endpoints that already failed this request; shared, not copied
public record RouteRequest(
    int model,
    int promptTokens,
    int outputTokensMax,
    @Nullable PromptBlocks blocks,
    int originSite,
    long jurisdictionBits,
    @Nullable SiteSet permitted,
    int deadlineMs,
    ServiceTier tier,
    int[] triedEndpoints) {
  /// Longest prompt or answer that arithmetic has to cope with.
  public static final int TOKENS_MAX = 16_000_000;

  /// A client that waits longer than this waits this long.
  public static final int DEADLINE_MS_MAX = 3_600_000;

  public static final int[] NONE_TRIED = new int[0];

  /// A request whose jurisdictions alone decide where it may be processed.
  public RouteRequest(
      int model,
      int promptTokens,
      int outputTokensMax,
      @Nullable PromptBlocks blocks,
      int originSite,
      long jurisdictionBits,
      int deadlineMs,
      ServiceTier tier,
      int[] triedEndpoints) {
    this(
        model,
        promptTokens,
        outputTokensMax,
        blocks,
        originSite,
        jurisdictionBits,
        null,
        deadlineMs,
        tier,
        triedEndpoints);
  }

  /// Whether it may be processed at a site, of which that is the jurisdiction's bit.
  boolean permits(int site, long jurisdictionBit) {
    return (jurisdictionBit & jurisdictionBits) != 0
        && (permitted == null || permitted.contains(site));
  }

  /// The same with its blocks elsewhere, for who keeps it longer than the array they lie in.
  public RouteRequest with(@Nullable PromptBlocks others) {
    return new RouteRequest(
        model,
        promptTokens,
        outputTokensMax,
        others,
        originSite,
        jurisdictionBits,
        permitted,
        deadlineMs,
        tier,
        triedEndpoints);
  }

  public RouteRequest {
    promptTokens = Clamp.toInt(promptTokens, 1, TOKENS_MAX);
    outputTokensMax = Clamp.toInt(outputTokensMax, 0, TOKENS_MAX);
    deadlineMs = Clamp.toInt(deadlineMs, 1, DEADLINE_MS_MAX);
  }
}
