package org.aigrid.live.tlog;

/// A checkpoint is the log's own and has too few cosignatures. Of a log that grows this may be so
/// for the moment that its witnesses take; asking again tells.
public final class LacksWitnessesException extends UntrustedException {
  private static final long serialVersionUID = 1L;

  public LacksWitnessesException(String message) {
    super(message);
  }
}
