package org.aigrid.core.route;

import java.util.List;

/// Why a request went where it went: every candidate with its terms. Immutable.
///
/// @param viewRevision the view that was decided on
/// @param route the answer
/// @param candidateList all that were looked at, in the order they were found
public record Explanation(long viewRevision, Route route, List<Candidate> candidateList) {
  public Explanation {
    candidateList = List.copyOf(candidateList);
  }

  /// What became of a candidate.
  public enum Standing {
    READY,
    RESIDENCY_FORBIDS,
    LEASE_ENDED,
    NOT_ADMITTING,
    NOT_SERVING,
    /// The radio holds its GPU.
    RADIO_HOLDS,
    TRIED,
    /// It could not be reached a moment ago, and its site has said nothing since.
    SUSPECT,
    /// Its round trip alone takes longer than the best answer.
    TOO_FAR,
    SATURATED
  }

  /// One endpoint and the terms of its cost; the terms are 0 where it was not eligible.
  ///
  /// @param roundTripMs network
  /// @param queueMs prompt tokens and sequences before this request
  /// @param prefillMs this request's uncached tokens
  /// @param decodeMs decoding slower than a reader's pace
  /// @param evictionMs expected cost of being moved for the radio
  /// @param costMs the sum
  public record Candidate(
      int endpoint,
      String siteId,
      Standing standing,
      int cachedTokens,
      double roundTripMs,
      double queueMs,
      double prefillMs,
      double decodeMs,
      double evictionMs,
      double costMs) {}
}
