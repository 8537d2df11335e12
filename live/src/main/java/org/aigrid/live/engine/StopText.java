package org.aigrid.live.engine;

import java.util.List;

/// Cuts generated text before the first stop sequence. Holds back what may be the start of one, at
/// most the longest stop sequence less a character. One thread.
final class StopText {
  private final List<String> stops;
  private final StringBuilder held = new StringBuilder();
  private boolean stopped;

  StopText(List<String> stops) {
    this.stops = stops.stream().filter(stop -> !stop.isEmpty()).toList();
  }

  /// The text that may be given out after `piece` has come.
  String accept(String piece) {
    if (stops.isEmpty()) {
      return piece;
    }
    held.append(piece);
    int cut = -1;
    for (String stop : stops) {
      int at = held.indexOf(stop);
      if (at >= 0 && (cut < 0 || at < cut)) {
        cut = at;
      }
    }
    if (cut >= 0) {
      stopped = true;
      held.setLength(cut);
      return rest();
    }
    int keep = 0;
    for (String stop : stops) {
      keep = Math.max(keep, overlap(stop));
    }
    String free = held.substring(0, held.length() - keep);
    held.delete(0, free.length());
    return free;
  }

  /// Whether a stop sequence has come.
  boolean stopped() {
    return stopped;
  }

  /// What is held back, when nothing more comes.
  String rest() {
    String rest = held.toString();
    held.setLength(0);
    return rest;
  }

  /// Length of the longest end of `held` that begins `stop`.
  private int overlap(String stop) {
    for (int n = Math.min(stop.length() - 1, held.length()); n > 0; n--) {
      if (stop.startsWith(held.substring(held.length() - n))) {
        return n;
      }
    }
    return 0;
  }
}
