package org.aigrid.core.policy;

import java.util.Locale;

/// What is about to be done at a site, as policies call it: `action == Action::"infer"`.
public enum PolicyAction {
  /// A prompt is computed and answered: the first try, a retry, a failover, a hedge, a moved
  /// stream.
  INFER,
  /// A prompt is computed ahead, before anybody asks.
  PREWARM,
  /// A job of the batch class reads its input and writes its output.
  BATCH,
  /// A line about a request goes into a journal of usage.
  JOURNAL,
  /// A receipt of a request is kept.
  RECEIPT,
  /// A line about a request goes into a log, a metric or a trace.
  LOG;

  private final String word = name().toLowerCase(Locale.ROOT);

  /// The action's name in policies: lower case.
  public String word() {
    return word;
  }
}
