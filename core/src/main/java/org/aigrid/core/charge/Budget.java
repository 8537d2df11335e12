package org.aigrid.core.charge;

import java.util.ArrayList;
import java.util.HashMap;
import java.util.Iterator;
import java.util.List;
import java.util.Map;
import java.util.PriorityQueue;
import org.jspecify.annotations.Nullable;

/// The part of one tenant's money that one gateway may spend by itself: a slice that control has
/// taken out of the tenant's balance before it handed it over. Not thread-safe; well under a
/// microsecond a call.
///
/// ```
/// grant ──> free ──reserve──> held ──settle──> spent
///            ^                 │
///            └─────release─────┘   (also by expiry)
/// ```
///
/// A slice has left the balance when it arrives here, so however many gateways spend, and however
/// long control is away, together they spend at most the balance: the bound of overspending is 0.
/// What a request costs beyond what was held and is free is charged to nobody here (`Settled` names
/// it): it is the operator's.
///
/// All calls are idempotent by request id: a reservation that exists is answered as it stands, and
/// what is unknown or over is `null` or nothing. A reservation ends by itself when its time is
/// over, so that a lost request holds nothing for ever. At most `RESERVATIONS_MAX` at a time.
public final class Budget {
  /// Open reservations of one tenant at one gateway; one more is refused as `Busy`.
  public static final int RESERVATIONS_MAX = 100_000;

  /// A budget that never ends: everything is granted, nothing is counted against a slice.
  public static final long UNLIMITED_MICROS = Long.MAX_VALUE / 4;

  /// May this be spent?
  public sealed interface Reserve {
    /// So much is held for the request now, in all.
    record Granted(long heldMicros) implements Reserve {}

    /// The slice does not have it.
    ///
    /// @param missingMicros by so much
    record Short(long missingMicros) implements Reserve {}

    /// Too many requests hold reservations.
    record Busy() implements Reserve {}
  }

  /// What became of a reservation.
  ///
  /// @param chargedMicros what the tenant pays
  /// @param releasedMicros what went back
  /// @param operatorMicros what it cost beyond what the tenant had: the operator's loss
  public record Settled(long chargedMicros, long releasedMicros, long operatorMicros) {}

  private static final class Hold {
    final String requestId;
    long micros;
    long expiresAtMs;
    boolean open = true;

    Hold(String requestId, long micros, long expiresAtMs) {
      this.requestId = requestId;
      this.micros = micros;
      this.expiresAtMs = expiresAtMs;
    }
  }

  /// When to look at a hold; a hold that was prolonged is looked at again.
  private record Wake(long atMs, Hold hold) {}

  private final Map<String, Hold> holds = new HashMap<>();
  private final PriorityQueue<Wake> wakes =
      new PriorityQueue<>((a, b) -> Long.compare(a.atMs(), b.atMs()));
  private long freeMicros;
  private long heldMicros;
  private long spentMicros;
  private long leaseEndMs;

  /// An empty slice: everything is `Short` until a grant.
  public Budget() {}

  /// Adds to the slice, which may be spent until the lease ends.
  ///
  /// @param micros 0 only prolongs the lease
  public void grant(long micros, long leaseEndMs) {
    if (micros < 0 || micros > UNLIMITED_MICROS) {
      throw new IllegalArgumentException("granted micros: " + micros + " (expected: 0 or more)");
    }
    freeMicros = Math.min(UNLIMITED_MICROS, freeMicros + micros);
    this.leaseEndMs = Math.max(this.leaseEndMs, leaseEndMs);
  }

  /// Takes back what is free, at most `micros`; returns how much it was.
  public long giveBack(long micros) {
    long back = Math.clamp(micros, 0, freeMicros);
    freeMicros -= back;
    return back;
  }

  /// Holds up to `wantMicros` for a request, at least `leastMicros` or nothing. A request that
  /// holds something already keeps exactly that.
  public Reserve reserve(
      String requestId, long leastMicros, long wantMicros, long expiresAtMs, long nowMs) {
    if (leastMicros < 0 || wantMicros < leastMicros) {
      throw new IllegalArgumentException(
          "reservation of "
              + leastMicros
              + " to "
              + wantMicros
              + " (expected: 0 or more, in order)");
    }
    expire(nowMs);
    Hold known = holds.get(requestId);
    if (known != null) {
      return new Reserve.Granted(known.micros);
    }
    if (holds.size() >= RESERVATIONS_MAX) {
      return new Reserve.Busy();
    }
    long free = nowMs < leaseEndMs ? freeMicros : 0;
    if (free < leastMicros) {
      return new Reserve.Short(leastMicros - free);
    }
    long micros = Math.min(wantMicros, free);
    var hold = new Hold(requestId, micros, expiresAtMs);
    holds.put(requestId, hold);
    wakes.add(new Wake(expiresAtMs, hold));
    freeMicros -= micros;
    heldMicros += micros;
    return new Reserve.Granted(micros);
  }

  /// Brings what a request holds up to `wantMicros`, or to at least `leastMicros`; `Short` leaves
  /// it as it was. Prolongs it in any case. Null when it holds nothing.
  public @Nullable Reserve extend(
      String requestId, long leastMicros, long wantMicros, long expiresAtMs, long nowMs) {
    Hold hold = holds.get(requestId);
    if (hold == null) {
      return null;
    }
    hold.expiresAtMs = Math.max(hold.expiresAtMs, expiresAtMs);
    long free = nowMs < leaseEndMs ? freeMicros : 0;
    if (hold.micros + free < leastMicros) {
      return new Reserve.Short(leastMicros - hold.micros - free);
    }
    long more = Math.clamp(wantMicros - hold.micros, 0, free);
    hold.micros += more;
    freeMicros -= more;
    heldMicros += more;
    return new Reserve.Granted(hold.micros);
  }

  /// The request is over and cost so much: charges it and gives the rest back. Null when it holds
  /// nothing (settled, released or expired before): then nothing happens.
  public @Nullable Settled settle(String requestId, long costMicros) {
    if (costMicros < 0) {
      throw new IllegalArgumentException("cost: " + costMicros + " (expected: 0 or more)");
    }
    Hold hold = holds.remove(requestId);
    if (hold == null) {
      return null;
    }
    hold.open = false;
    heldMicros -= hold.micros;
    freeMicros += hold.micros;
    long charged = Math.min(costMicros, freeMicros);
    freeMicros -= charged;
    spentMicros += charged;
    return new Settled(charged, Math.max(0, hold.micros - charged), costMicros - charged);
  }

  /// The request costs nothing: as `settle` at 0.
  public @Nullable Settled release(String requestId) {
    return settle(requestId, 0);
  }

  /// Ends the reservations whose time is over, and says whose they were.
  public List<String> expire(long nowMs) {
    Wake next = wakes.peek();
    if (next == null || next.atMs() > nowMs) {
      return List.of();
    }
    var ended = new ArrayList<String>();
    while (next != null && next.atMs() <= nowMs) {
      wakes.remove();
      Hold hold = next.hold();
      if (hold.open && hold.expiresAtMs > nowMs) {
        wakes.add(new Wake(hold.expiresAtMs, hold));
      } else if (hold.open) {
        ended.add(hold.requestId);
        release(hold.requestId);
      }
      next = wakes.peek();
    }
    return ended;
  }

  /// Forgets the wakes of requests that are over; call it now and then.
  public void tidy() {
    if (wakes.size() > 2 * holds.size() + 64) {
      for (Iterator<Wake> all = wakes.iterator(); all.hasNext(); ) {
        if (!all.next().hold().open) {
          all.remove();
        }
      }
    }
  }

  /// Whether a request holds a reservation.
  public boolean holds(String requestId) {
    return holds.containsKey(requestId);
  }

  /// The most that a request could hold in all now: what it holds, and what is free while the lease
  /// lasts.
  public long payableMicros(String requestId, long nowMs) {
    Hold hold = holds.get(requestId);
    return (hold == null ? 0 : hold.micros) + (nowMs < leaseEndMs ? freeMicros : 0);
  }

  /// The most that `settle` would charge a request that holds a reservation now.
  public long settleableMicros(String requestId) {
    Hold hold = holds.get(requestId);
    return hold == null ? 0 : hold.micros + freeMicros;
  }

  /// What the next reservation can have.
  public long freeMicros() {
    return freeMicros;
  }

  /// What open reservations hold.
  public long heldMicros() {
    return heldMicros;
  }

  /// What settled requests were charged.
  public long spentMicros() {
    return spentMicros;
  }

  public long leaseEndMs() {
    return leaseEndMs;
  }

  public int reservations() {
    return holds.size();
  }
}
