package org.aigrid.live.replay;

import java.util.Map;
import org.HdrHistogram.Histogram;

/// What a replay saw. Histograms are in microseconds; latencies count from when the trace wanted a
/// request sent, not from when it was (no coordinated omission). Safe to read when the replay is
/// over.
///
/// @param sent requests that were sent
/// @param answered whole answers
/// @param wallSeconds from the first send to the last end
/// @param promptTokens of all answers, as their usage says
/// @param outputTokens of all answers, as their usage says
/// @param inFlightMost requests under way together at most
/// @param firstTokenUs client TTFT
/// @param frameGapUs time between two frames of one answer (inter-token latency)
/// @param tokenUs mean time per output token of an answer (TPOT)
/// @param endUs E2E
/// @param latenessUs how much later than the trace wanted a request was really sent
/// @param answeredBySite whole answers by site id
/// @param answeredByTier whole answers by tier
/// @param failedByKind failures by kind
/// @param failureExample one sentence for each kind
public record ReplayReport(
    long sent,
    long answered,
    double wallSeconds,
    long promptTokens,
    long outputTokens,
    int inFlightMost,
    Histogram firstTokenUs,
    Histogram frameGapUs,
    Histogram tokenUs,
    Histogram endUs,
    Histogram latenessUs,
    Map<String, Long> answeredBySite,
    Map<String, Long> answeredByTier,
    Map<String, Long> failedByKind,
    Map<String, String> failureExample) {

  public long failed() {
    return sent - answered;
  }
}
