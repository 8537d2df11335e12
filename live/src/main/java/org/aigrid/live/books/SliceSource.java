package org.aigrid.live.books;

import java.time.Instant;

/// Where a gateway's purses have their slices from. Each move has a reference: told again under the
/// same one it happens once, and its answer is that of the first time, so that whoever had no
/// answer asks again. Calls block, and may be made by many threads, but one move by one at a time.
public interface SliceSource {
  /// Moves up to `wantMicros` from a tenant's balance to a gateway, and prolongs its lease. Returns
  /// what was moved: 0 when there is nothing.
  long hold(String gateway, String tenant, long wantMicros, Instant leaseEnd, String reference);

  /// Moves what a gateway does not need any more back to the tenant's balance.
  void giveBack(String gateway, String tenant, long micros, String reference);

  /// Gives a gateway up to `wantMicros` of what a project may still spend, and prolongs its lease:
  /// no money is moved, the books only remember what is out. Returns what was given. A project
  /// without a budget is given all that it wants.
  ///
  /// @param period as the gateway understands the budget: a month such as `2026-11`, or
  ///   `ProjectBudgets.TOTAL_PERIOD`; where the budget has changed since, nothing is given
  long holdBudget(
      String gateway,
      String tenant,
      String project,
      String period,
      long wantMicros,
      Instant leaseEnd,
      String reference);

  /// Tells that a gateway does not need so much of a project's budget any more.
  void giveBackBudget(
      String gateway, String tenant, String project, String period, long micros, String reference);
}
