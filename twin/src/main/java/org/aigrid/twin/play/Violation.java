package org.aigrid.twin.play;

/// What must never happen in a play, whatever goes wrong: the project's invariants as far as a play
/// can break them. Counted where it would happen, in each play.
public enum Violation {
  /// The radio waited for AI longer than the reclaim bound.
  RECLAIM_LATE("the radio waited for AI longer than the reclaim bound"),
  /// A site outside a request's permitted jurisdictions got it.
  NOT_PERMITTED("a request reached a site outside its jurisdictions"),
  /// An answer had more or fewer tokens than was asked for, over all the sites it came from.
  TOKENS_DIFFER("an answer repeated or dropped tokens"),
  /// A request ended while its charge to an endpoint stayed.
  CHARGE_LEFT("a charge to an endpoint outlived its request"),
  /// A request was sent to a site that had been silent for longer than its lease.
  LEASE_OUTLIVED("a request was sent to a site after its lease had ended"),
  /// More attempts or moves than the bounds.
  BOUND_EXCEEDED("a request was tried or moved more often than it may"),
  /// A request is neither answered nor refused, failed, broken or under way.
  REQUEST_LOST("a request was lost, or counted twice");

  private final String sentence;

  Violation(String sentence) {
    this.sentence = sentence;
  }

  /// For people.
  public String sentence() {
    return sentence;
  }
}
