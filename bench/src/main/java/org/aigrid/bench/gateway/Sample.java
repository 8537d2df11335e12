package org.aigrid.bench.gateway;

import java.util.function.ToDoubleFunction;
import org.aigrid.bench.load.LoadResult;
import org.aigrid.bench.machine.ThreadCosts;

/// What one arm did in one round of one table. Immutable.
///
/// @param perSecond requests or streams per second
/// @param cpuMicros the arm's own CPU time per request or stream; 0 for the direct arm
/// @param rssBytes the arm's resident memory after the round
/// @param errors of both generators
/// @param load what the latency generator saw
/// @param parts what parts of the arm have cost while `partAnswers` were given
/// @param partAnswers about
record Sample(
    double perSecond,
    double cpuMicros,
    long rssBytes,
    long errors,
    LoadResult load,
    ThreadCosts parts,
    double partAnswers) {

  /// What a part has cost for each answer.
  double partPerAnswer(String part, ToDoubleFunction<ThreadCosts.Cost> value) {
    ThreadCosts.Cost cost = parts.groups().get(part);
    return cost == null || partAnswers == 0 ? 0 : value.applyAsDouble(cost) / partAnswers;
  }
}
