package org.aigrid.live.books;

import java.time.Instant;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicLong;
import java.util.concurrent.locks.LockSupport;
import org.aigrid.core.admit.Admission.Allowance;
import org.aigrid.core.admit.Limits;
import org.aigrid.core.admit.Quota;
import org.aigrid.core.charge.Budget;
import org.aigrid.core.charge.Meter;
import org.aigrid.core.charge.Price;
import org.aigrid.core.charge.PriceList;
import org.aigrid.core.model.ServiceTier;
import org.aigrid.live.books.TenantDirectory.Key;
import org.aigrid.live.books.TenantDirectory.Tenant;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/// What a gateway knows of money and limits while it serves: for each tenant a purse with the slice
/// of its balance that this gateway may spend, and the quotas of keys, projects and tenants.
///
/// `enter`, and the `Ticket` that it gives, may be used on event loops: they take the tenant's
/// monitor for well under a microsecond and never wait for the database. One thread behind them
/// brings slices from the ledger, before a purse is empty where it can, and gives back what lies
/// idle. While the database is away, purses go on with what they have until their lease ends.
public final class Purses implements AutoCloseable {
  /// The least that is asked of the ledger at a time.
  public static final long SLICE_MICROS = 1_000_000;

  /// A reservation that hears nothing for so long ends.
  public static final long RESERVATION_MS = 600_000;

  /// At most so many requests wait for a slice.
  public static final int WAITING_MAX = 4_096;

  private static final long PERIOD_MS = 1_000;
  private static final long IDLE_MS = 60_000;
  private static final long ASKED_AGAIN_MS = 250;
  private static final Logger log = LoggerFactory.getLogger(Purses.class);

  /// May the request enter?
  public sealed interface Entry {
    /// It may; its ticket has to be settled or abandoned, once.
    record Entered(Ticket ticket) implements Entry {}

    /// A limit of the key (scope 0), its project (1) or its tenant (2).
    record Limited(int scope, Quota.Limit limit, long retryAfterMs, Allowance left)
        implements Entry {}

    /// The slice is empty and more is on its way: `whenFunded` says when to ask again, once.
    record Funding() implements Entry {}

    /// The tenant has not enough left: 429 `insufficient_quota`.
    record NoMoney(long missingMicros) implements Entry {}

    /// The slice is empty and the books cannot be reached: 503.
    record BooksAway() implements Entry {}

    /// Nobody has set a price for this model and tier.
    record NotSold(String model, ServiceTier tier) implements Entry {}
  }

  private static final class Purse {
    final String tenant;
    final Budget budget = new Budget();
    final Quota quota;
    final Quota unlimited = new Quota(Limits.NONE, 0); // of all keys without limits
    boolean prepaid;
    long wantedMicros; // beyond what is free; 0: nothing
    long answeredAtMs = Long.MIN_VALUE / 2; // when the ledger last said that there is no more
    long failedAtMs = Long.MIN_VALUE / 2; // when it last could not be asked
    long usedAtMs;
    List<Runnable> waiting = new ArrayList<>(0);

    Purse(String tenant, Limits limits, long nowMs) {
      this.tenant = tenant;
      quota = new Quota(limits, nowMs);
    }
  }

  private final Ledger ledger;
  private final String gateway;
  private final java.util.function.LongSupplier clock;
  private final ConcurrentHashMap<String, Purse> purses = new ConcurrentHashMap<>();
  private final ConcurrentHashMap<String, Quota> quotas = new ConcurrentHashMap<>();
  private final AtomicLong waiting = new AtomicLong();
  private final Thread thread;
  private volatile boolean wanted;
  private volatile boolean closing;

  /// @param clock epoch milliseconds
  private Purses(Ledger ledger, String gateway, java.util.function.LongSupplier clock) {
    this.ledger = ledger;
    this.gateway = gateway;
    this.clock = clock;
    thread = Thread.ofPlatform().daemon().name("purses").unstarted(this::run);
  }

  /// Begins; `BookKeeper.start` has to have returned what the last run of this gateway held.
  public static Purses start(Ledger ledger, String gateway, java.util.function.LongSupplier clock) {
    var purses = new Purses(ledger, gateway, clock);
    purses.thread.start();
    return purses;
  }

  private Purse purse(Tenant tenant, long nowMs) {
    Purse known = purses.get(tenant.id());
    return known != null
        ? known
        : purses.computeIfAbsent(tenant.id(), id -> new Purse(id, tenant.limits(), nowMs));
  }

  private Quota quota(String name, Limits limits, long nowMs) {
    Quota known = quotas.get(name);
    return known != null ? known : quotas.computeIfAbsent(name, _ -> new Quota(limits, nowMs));
  }

  /// Enters a request into the limits of its key, project and tenant, and reserves what it can
  /// cost.
  ///
  /// @param prices of this moment
  /// @param tier that it is served in
  /// @param promptTokens an upper estimate
  /// @param outputTokensMax the most that it may generate
  public Entry enter(
      Key key,
      PriceList prices,
      String requestId,
      String model,
      ServiceTier tier,
      long promptTokens,
      long outputTokensMax) {
    PriceList.Line line = prices.of(model, tier);
    if (line == null) {
      return new Entry.NotSold(model, tier);
    }
    long now = clock.getAsLong();
    Tenant tenant = key.tenant();
    Purse purse = purse(tenant, now);
    Quota ofKey =
        key.limits().equals(Limits.NONE)
            ? purse.unlimited
            : quota("key/" + key.id(), key.limits(), now);
    Quota ofProject =
        quota("project/" + tenant.id() + "/" + key.project().id(), key.project().limits(), now);
    Price price = line.price();
    PriceList.Line standard = prices.of(model, ServiceTier.STANDARD);
    long least = Meter.leastMicros(price, promptTokens, outputTokensMax);
    long want = price.worstMicros(promptTokens, outputTokensMax);
    long tokens = promptTokens + outputTokensMax;
    // all quotas of a tenant are guarded by its purse
    synchronized (purse) {
      purse.usedAtMs = now;
      purse.prepaid = tenant.prepaid();
      purse.quota.change(tenant.limits(), now);
      ofProject.change(key.project().limits(), now);
      ofKey.change(key.limits(), now);
      var entered = new Quota[] {ofKey, ofProject, purse.quota};
      Quota.Entry answer = Quota.enter(entered, tokens, now);
      if (answer
          instanceof
          Quota.Entry.Refused(int scope, Quota.Limit limit, long retryAfterMs, Allowance left)) {
        return new Entry.Limited(scope, limit, retryAfterMs, left);
      }
      Allowance left =
          answer instanceof Quota.Entry.Entered(Allowance tightest)
              ? tightest
              : new Allowance(0, 0, 0, 0);
      long held = Budget.UNLIMITED_MICROS;
      if (tenant.prepaid() && want > 0) {
        switch (purse.budget.reserve(requestId, least, want, now + RESERVATION_MS, now)) {
          case Budget.Reserve.Granted(long micros) -> held = micros;
          case Budget.Reserve.Short(long missing) -> {
            for (Quota quota : entered) {
              quota.leave(tokens, 0);
            }
            want(purse, want);
            if (now - purse.failedAtMs < PERIOD_MS) {
              return new Entry.BooksAway();
            }
            return now - purse.answeredAtMs < ASKED_AGAIN_MS
                ? new Entry.NoMoney(missing)
                : new Entry.Funding();
          }
          case Budget.Reserve.Busy() -> {
            for (Quota quota : entered) {
              quota.leave(tokens, 0);
            }
            return new Entry.Limited(2, Quota.Limit.CONCURRENT, PERIOD_MS, left);
          }
        }
        if (purse.budget.freeMicros() < Math.max(want, SLICE_MICROS / 4)) {
          want(purse, Math.max(want, SLICE_MICROS));
        }
      }
      return new Entry.Entered(
          new Ticket(
              purse,
              entered,
              requestId,
              line,
              standard == null ? price : standard.price(),
              tokens,
              left,
              tenant.prepaid() && want > 0,
              new Meter(price, promptTokens, outputTokensMax, held)));
    }
  }

  private void want(Purse purse, long micros) {
    purse.wantedMicros = Math.max(purse.wantedMicros, micros);
    wanted = true;
    LockSupport.unpark(thread);
  }

  /// Runs `again` once, on the thread that brings slices, when the tenant's purse has been filled
  /// or could not be. False: too many wait already; then answer 503.
  public boolean whenFunded(String tenant, Runnable again) {
    Purse purse = purses.get(tenant);
    if (purse == null || waiting.incrementAndGet() > WAITING_MAX) {
      if (purse != null) {
        waiting.decrementAndGet();
      }
      return false;
    }
    synchronized (purse) {
      purse.waiting.add(again);
      want(purse, Math.max(1, purse.wantedMicros));
    }
    return true;
  }

  /// A request that has entered. For one thread, such as its event loop's.
  public final class Ticket {
    private final Purse purse;
    private final Quota[] entered;
    private final String requestId;
    private final PriceList.Line line;
    private final Price listPrice;
    private final long estimatedTokens;
    private final Allowance left;
    private final boolean metered;
    private final Meter meter;
    private boolean over;

    private Ticket(
        Purse purse,
        Quota[] entered,
        String requestId,
        PriceList.Line line,
        Price listPrice,
        long estimatedTokens,
        Allowance left,
        boolean metered,
        Meter meter) {
      this.purse = purse;
      this.entered = entered;
      this.requestId = requestId;
      this.line = line;
      this.listPrice = listPrice;
      this.estimatedTokens = estimatedTokens;
      this.left = left;
      this.metered = metered;
      this.meter = meter;
    }

    /// What is left of the tightest quota, for `x-ratelimit-*`.
    public Allowance left() {
      return left;
    }

    /// The line of the price list that it entered under; holds to its end.
    public PriceList.Line line() {
      return line;
    }

    /// Whether a chunk of so many tokens may be passed on. False: the budget has ended: pass
    /// nothing more on, end the stream with finish reason `length`, and settle what was passed.
    public boolean passes(int tokens) {
      if (!metered || meter.next(tokens) == Meter.Verdict.PASS) {
        return true;
      }
      long now = clock.getAsLong();
      synchronized (purse) {
        long want = meter.wantMicros(tokens);
        if (purse.budget.extend(
                requestId, meter.leastMicros(tokens), want, now + RESERVATION_MS, now)
            instanceof Budget.Reserve.Granted(long held)) {
          meter.held(held);
        } else {
          meter.refused();
        }
        if (purse.budget.freeMicros() < SLICE_MICROS / 4) {
          want(purse, SLICE_MICROS);
        }
      }
      return meter.next(tokens) == Meter.Verdict.PASS;
    }

    /// The request is over and used so much: charges it, gives the rest back. Later calls do
    /// nothing and return the same as 0 tokens.
    public Charged settle(long promptTokens, long cachedTokens, long outputTokens) {
      if (over) {
        return new Charged(0, 0, 0);
      }
      over = true;
      long cost = line.price().costMicros(promptTokens, cachedTokens, outputTokens);
      long list = Math.max(cost, listPrice.costMicros(promptTokens, cachedTokens, outputTokens));
      synchronized (purse) {
        for (Quota quota : entered) {
          quota.leave(estimatedTokens, promptTokens + outputTokens);
        }
        if (!metered) {
          return new Charged(cost, list, 0);
        }
        Budget.Settled settled = purse.budget.settle(requestId, cost);
        if (settled == null) {
          // its reservation had expired: what is free pays, as far as it does
          long now = clock.getAsLong();
          purse.budget.reserve(requestId, 0, cost, now + RESERVATION_MS, now);
          settled = purse.budget.settle(requestId, cost);
        }
        return settled == null
            ? new Charged(0, list, cost)
            : new Charged(settled.chargedMicros(), list, settled.operatorMicros());
      }
    }

    /// Nothing ran: it costs nothing.
    public void abandon() {
      settle(0, 0, 0);
    }
  }

  /// What a request cost.
  ///
  /// @param micros that the tenant pays: for the usage record
  /// @param listMicros what its tokens cost at the price of the standard tier, at least `micros`
  /// @param operatorMicros that it cost beyond the tenant's money
  public record Charged(long micros, long listMicros, long operatorMicros) {}

  private void run() {
    long nextRoundMs = clock.getAsLong() + PERIOD_MS;
    while (!closing) {
      if (!wanted) {
        LockSupport.parkNanos(TimeUnit.MILLISECONDS.toNanos(50));
      }
      wanted = false;
      long now = clock.getAsLong();
      boolean round = now >= nextRoundMs;
      if (round) {
        nextRoundMs = now + PERIOD_MS;
      }
      for (Purse purse : purses.values()) {
        fill(purse);
        if (round) {
          tidy(purse, now);
        }
      }
    }
  }

  private void fill(Purse purse) {
    long want;
    synchronized (purse) {
      want = purse.wantedMicros;
      purse.wantedMicros = 0;
    }
    if (want == 0) {
      return;
    }
    long now = clock.getAsLong();
    long leaseEnd = now + Ledger.LEASE_MS;
    long got = -1;
    try {
      got =
          ledger.hold(
              gateway, purse.tenant, Math.max(want, SLICE_MICROS), Instant.ofEpochMilli(leaseEnd));
    } catch (RuntimeException e) {
      log.warn("no slice for {}: {}", purse.tenant, e.getMessage());
    }
    List<Runnable> told;
    synchronized (purse) {
      if (got < 0) {
        purse.failedAtMs = clock.getAsLong();
      } else {
        purse.budget.grant(got, leaseEnd);
        purse.failedAtMs = Long.MIN_VALUE / 2;
        if (got < want) {
          purse.answeredAtMs = clock.getAsLong();
        }
      }
      told = purse.waiting;
      purse.waiting = new ArrayList<>(0);
    }
    for (Runnable again : told) {
      waiting.decrementAndGet();
      try {
        again.run();
      } catch (RuntimeException e) {
        log.error("a request that waited for its tenant's slice failed", e);
      }
    }
  }

  private void tidy(Purse purse, long now) {
    long back = 0;
    boolean prolong;
    synchronized (purse) {
      List<String> ended = purse.budget.expire(now);
      if (!ended.isEmpty()) {
        log.warn("{} reservations of {} ended by themselves", ended.size(), purse.tenant);
      }
      purse.budget.tidy();
      if (now - purse.usedAtMs > IDLE_MS && purse.budget.reservations() == 0) {
        back = purse.budget.giveBack(Long.MAX_VALUE);
      }
      prolong =
          back == 0
              && purse.budget.freeMicros() > 0
              && purse.budget.leaseEndMs() - now < Ledger.LEASE_MS / 2;
      if (prolong) {
        purse.wantedMicros = Math.max(purse.wantedMicros, 1);
      }
    }
    if (back > 0) {
      try {
        ledger.giveBack(gateway, purse.tenant, back);
      } catch (RuntimeException e) {
        synchronized (purse) {
          purse.budget.grant(back, purse.budget.leaseEndMs());
        }
        log.warn("the idle slice of {} stays: {}", purse.tenant, e.getMessage());
      }
    }
  }

  /// What a tenant's purse has here: free and held micros. For metrics and tests.
  public long[] state(String tenant) {
    Purse purse = purses.get(tenant);
    if (purse == null) {
      return new long[] {0, 0};
    }
    synchronized (purse) {
      return new long[] {purse.budget.freeMicros(), purse.budget.heldMicros()};
    }
  }

  /// Ends; what was held is returned at the gateway's next start, after its journal, or when the
  /// lease ends.
  @Override
  public void close() {
    closing = true;
    LockSupport.unpark(thread);
    try {
      thread.join();
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
    }
  }
}
