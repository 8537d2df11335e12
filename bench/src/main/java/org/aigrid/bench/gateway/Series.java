package org.aigrid.bench.gateway;

import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.function.ToDoubleFunction;

/// All samples of one table, by concurrency and arm, a list entry a round. Mutable, one thread.
final class Series {
  private record Cell(int concurrency, String arm) {}

  private final Map<Cell, List<Sample>> samples = new LinkedHashMap<>();

  void add(int concurrency, String arm, Sample sample) {
    samples.computeIfAbsent(new Cell(concurrency, arm), _ -> new ArrayList<>()).add(sample);
  }

  boolean has(int concurrency, String arm) {
    return samples.containsKey(new Cell(concurrency, arm));
  }

  Spread of(int concurrency, String arm, ToDoubleFunction<Sample> value) {
    return Spread.of(rounds(concurrency, arm).stream().mapToDouble(value).toArray());
  }

  /// The arm's value less that of `base` in the same round, so that a drift of the machine falls
  /// out.
  Spread added(int concurrency, String arm, String base, ToDoubleFunction<Sample> value) {
    List<Sample> ours = rounds(concurrency, arm);
    List<Sample> theirs = rounds(concurrency, base);
    double[] added = new double[ours.size()];
    for (int i = 0; i < added.length; i++) {
      added[i] = value.applyAsDouble(ours.get(i)) - value.applyAsDouble(theirs.get(i));
    }
    return Spread.of(added);
  }

  /// The arm's value over that of `base` in the same round.
  Spread share(int concurrency, String arm, String base, ToDoubleFunction<Sample> value) {
    List<Sample> ours = rounds(concurrency, arm);
    List<Sample> theirs = rounds(concurrency, base);
    double[] share = new double[ours.size()];
    for (int i = 0; i < share.length; i++) {
      share[i] = value.applyAsDouble(ours.get(i)) / value.applyAsDouble(theirs.get(i));
    }
    return Spread.of(share);
  }

  long errors(int concurrency, String arm) {
    return rounds(concurrency, arm).stream().mapToLong(Sample::errors).sum();
  }

  /// The first thing that went wrong in any round, or `none`.
  String firstError(int concurrency, String arm) {
    return rounds(concurrency, arm).stream()
        .map(sample -> sample.load().firstError())
        .filter(error -> !error.equals("none"))
        .findFirst()
        .orElse("none");
  }

  /// In their order.
  List<Sample> rounds(int concurrency, String arm) {
    return samples.getOrDefault(new Cell(concurrency, arm), List.of());
  }
}
