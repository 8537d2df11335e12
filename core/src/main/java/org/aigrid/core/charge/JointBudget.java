package org.aigrid.core.charge;

import org.jspecify.annotations.Nullable;

/// What one request holds of several budgets at a time, such as its project's cap and its tenant's
/// money: the same amount of each, or nothing of any. Whatever the order of calls, no budget gives
/// more than it has, and each is charged the same. Not thread-safe, as the budgets are not.
///
/// Made for each request; a handful of comparisons for each budget and call.
public final class JointBudget {
  /// May this be spent?
  public sealed interface Claim {
    /// So much is held of each budget now, in all.
    record Granted(long heldMicros) implements Claim {}

    /// One does not have it; nothing has changed in any.
    ///
    /// @param budget index of the first that does not
    /// @param missingMicros by so much
    record Short(int budget, long missingMicros) implements Claim {}

    /// Too many requests hold reservations of one.
    record Busy() implements Claim {}
  }

  /// What became of it.
  ///
  /// @param chargedMicros of each budget: what the tenant pays
  /// @param operatorMicros what it cost beyond what every budget had: the operator's loss
  public record Settled(long chargedMicros, long operatorMicros) {}

  private final String requestId;
  private final Budget[] budgets;

  /// @param budgets out of which the request is paid, one or more; the first that is short refuses
  public JointBudget(String requestId, Budget... budgets) {
    if (budgets.length == 0) {
      throw new IllegalArgumentException("no budget for " + requestId + " (expected: 1 or more)");
    }
    this.requestId = requestId;
    this.budgets = budgets.clone();
  }

  /// Holds up to `wantMicros` of each, at least `leastMicros`; see `Budget.reserve`.
  public Claim reserve(long leastMicros, long wantMicros, long expiresAtMs, long nowMs) {
    long most = wantMicros;
    for (int i = 0; i < budgets.length; i++) {
      Budget budget = budgets[i];
      budget.expire(nowMs);
      if (!budget.holds(requestId) && budget.reservations() >= Budget.RESERVATIONS_MAX) {
        return new Claim.Busy();
      }
      long payable = budget.payableMicros(requestId, nowMs);
      if (payable < leastMicros) {
        return new Claim.Short(i, leastMicros - payable);
      }
      most = Math.min(most, payable);
    }
    long held = Long.MAX_VALUE;
    for (Budget budget : budgets) {
      if (budget.reserve(requestId, leastMicros, most, expiresAtMs, nowMs)
          instanceof Budget.Reserve.Granted(long micros)) {
        held = Math.min(held, micros);
      }
    }
    return new Claim.Granted(held);
  }

  /// Brings what is held up to `wantMicros` of each, or to at least `leastMicros`; see
  /// `Budget.extend`. Null when one of them holds nothing for the request any more.
  public @Nullable Claim extend(long leastMicros, long wantMicros, long expiresAtMs, long nowMs) {
    Claim.Short missing = null;
    long most = wantMicros;
    for (int i = 0; i < budgets.length; i++) {
      if (!budgets[i].holds(requestId)) {
        return null;
      }
      long payable = budgets[i].payableMicros(requestId, nowMs);
      if (payable < leastMicros && missing == null) {
        missing = new Claim.Short(i, leastMicros - payable);
      }
      most = Math.min(most, payable);
    }
    long held = Long.MAX_VALUE;
    for (Budget budget : budgets) {
      // wanting nothing prolongs it
      if (budget.extend(requestId, 0, missing == null ? most : 0, expiresAtMs, nowMs)
          instanceof Budget.Reserve.Granted(long micros)) {
        held = Math.min(held, micros);
      }
    }
    return missing != null ? missing : new Claim.Granted(held);
  }

  /// The request is over and cost so much: charges every budget the same, and gives the rest back.
  /// Where a reservation had ended by itself, what is free pays, as far as it does. A second call
  /// would charge again.
  public Settled settle(long costMicros, long nowMs) {
    long charged = costMicros;
    for (Budget budget : budgets) {
      if (!budget.holds(requestId)) {
        budget.reserve(requestId, 0, costMicros, Long.MAX_VALUE, nowMs);
      }
      charged = Math.min(charged, budget.holds(requestId) ? budget.settleableMicros(requestId) : 0);
    }
    for (Budget budget : budgets) {
      budget.settle(requestId, charged);
    }
    return new Settled(charged, costMicros - charged);
  }
}
