package org.aigrid.live.books;

import java.time.Instant;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.UUID;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicLong;
import java.util.concurrent.locks.LockSupport;
import org.aigrid.core.admit.Admission.Allowance;
import org.aigrid.core.admit.Limits;
import org.aigrid.core.admit.Quota;
import org.aigrid.core.charge.Budget;
import org.aigrid.core.charge.JointBudget;
import org.aigrid.core.charge.Meter;
import org.aigrid.core.charge.Price;
import org.aigrid.core.charge.PriceList;
import org.aigrid.core.charge.SpendingCap;
import org.aigrid.core.model.ServiceTier;
import org.aigrid.live.books.ProjectBudgets.Period;
import org.aigrid.live.books.TenantDirectory.Key;
import org.aigrid.live.books.TenantDirectory.Project;
import org.aigrid.live.books.TenantDirectory.Tenant;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/// What a gateway knows of money and limits while it serves: for each tenant a purse with the slice
/// of its balance that this gateway may spend, a slice of each of its projects' budgets, and the
/// quotas of keys, projects and tenants. A request is paid out of both slices or of neither.
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

  /// So often a request waits for a slice at most.
  public static final int FUNDING_WAITS_MAX = 4;

  private static final long PERIOD_MS = 1_000;
  private static final long IDLE_MS = 60_000;
  private static final long ASKED_AGAIN_MS = 250;
  private static final Slice[] NO_SLICES = {};
  private static final Logger log = LoggerFactory.getLogger(Purses.class);

  /// May the request enter?
  public sealed interface Entry {
    /// It may; its ticket has to be settled or abandoned, once.
    record Entered(Ticket ticket) implements Entry {}

    /// A limit of the key (scope 0), its project (1) or its tenant (2).
    record Limited(int scope, Quota.Limit limit, long retryAfterMs, Allowance left)
        implements Entry {}

    /// The slice is empty and more is on its way: `whenFunded` says when to ask again. Others may
    /// have taken it by then, so that a request waits `FUNDING_WAITS_MAX` times at most.
    record Funding() implements Entry {}

    /// There is nothing more, but requests under way hold enough, most of which comes back when
    /// they end: 429, to be tried again.
    record Reserved(long missingMicros, boolean ofProject) implements Entry {}

    /// The tenant has not enough left, or the project of its budget, whatever comes back: 429
    /// `insufficient_quota`.
    record NoMoney(long missingMicros, boolean ofProject) implements Entry {}

    /// The slice is empty and the books cannot be reached: 503.
    record BooksAway() implements Entry {}

    /// Nobody has set a price for this model and tier.
    record NotSold(String model, ServiceTier tier) implements Entry {}
  }

  /// What this gateway may spend of a tenant's money, or of a project's budget in one period.
  private static final class Slice {
    final Budget budget = new Budget();
    final String project; // empty: the tenant's money
    final Period period;
    @Nullable SpendingCap cap;
    long wantedMicros; // beyond what is free; 0: nothing
    long answeredAtMs = Long.MIN_VALUE / 2; // when the ledger last said that there is no more
    long failedAtMs = Long.MIN_VALUE / 2; // when it last could not be asked
    long usedAtMs;
    boolean recalled; // the budget has changed: what is free goes back
    @Nullable Move unanswered; // of the thread that brings slices
    @Nullable Move lapsed; // likewise: the rest of a lease that has ended, until it is back

    Slice(String project, Period period, @Nullable SpendingCap cap, long nowMs) {
      this.project = project;
      this.period = period;
      this.cap = cap;
      usedAtMs = nowMs;
    }

    boolean ofProject() {
      return !project.isEmpty();
    }
  }

  /// What the ledger was asked to move, until it has answered: it may have been done or not, and is
  /// asked for again under the same reference.
  ///
  /// @param back to the ledger; else from it
  /// @param leaseEndMs when the ledger takes back by itself what was moved or not
  private record Move(boolean back, long micros, long leaseEndMs, String reference) {}

  private static final class Purse {
    final String tenant;
    final Slice money;
    final Map<String, Slice> projects = new HashMap<>(0); // with a budget, by id
    final List<Slice> retired = new ArrayList<>(0); // of periods that are over, while requests run
    final Quota quota;
    final Quota unlimited = new Quota(Limits.NONE, 0); // of all keys without limits
    List<Runnable> waiting = new ArrayList<>(0);
    boolean wants; // some slice of it does

    Purse(String tenant, Limits limits, long nowMs) {
      this.tenant = tenant;
      money = new Slice("", Period.FOR_EVER, null, nowMs);
      quota = new Quota(limits, nowMs);
    }

    List<Slice> slices() {
      var all = new ArrayList<Slice>(1 + projects.size() + retired.size());
      all.add(money);
      all.addAll(projects.values());
      all.addAll(retired);
      return all;
    }

    /// The slice of a project's budget in the period of now; null where it has none.
    @Nullable Slice of(Project project, long nowMs) {
      SpendingCap cap = project.budget();
      Slice known = projects.get(project.id());
      if (known != null && (cap == null || !known.period.equals(Period.of(cap, nowMs)))) {
        projects.remove(project.id());
        retired.add(known);
        known = null;
      }
      if (cap == null) {
        return null;
      }
      if (known == null) {
        known = new Slice(project.id(), Period.of(cap, nowMs), cap, nowMs);
        projects.put(project.id(), known);
      } else if (!cap.equals(known.cap)) {
        known.cap = cap;
        known.recalled = true;
      }
      return known;
    }
  }

  private final SliceSource ledger;
  private final String gateway;
  private final java.util.function.LongSupplier clock;
  private final ConcurrentHashMap<String, Purse> purses = new ConcurrentHashMap<>();
  private final ConcurrentHashMap<String, Quota> quotas = new ConcurrentHashMap<>();
  private final AtomicLong waiting = new AtomicLong();
  private final Thread thread;
  private boolean away; // of the thread: the ledger has not answered in this round
  private volatile boolean wanted;
  private volatile boolean closing;

  /// @param clock epoch milliseconds
  private Purses(SliceSource ledger, String gateway, java.util.function.LongSupplier clock) {
    this.ledger = ledger;
    this.gateway = gateway;
    this.clock = clock;
    thread = Thread.ofPlatform().daemon().name("purses").unstarted(this::run);
  }

  /// Begins; `BookKeeper.start` has to have returned what the last run of this gateway held.
  public static Purses start(
      SliceSource ledger, String gateway, java.util.function.LongSupplier clock) {
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
      Slice[] slices = want > 0 ? slices(purse, tenant, key.project(), now) : NO_SLICES;
      JointBudget joint = slices.length == 0 ? null : joint(requestId, slices);
      if (joint != null) {
        switch (joint.reserve(least, want, now + RESERVATION_MS, now)) {
          case JointBudget.Claim.Granted(long micros) -> held = micros;
          case JointBudget.Claim.Short(int which, long missing) -> {
            for (Quota quota : entered) {
              quota.leave(tokens, 0);
            }
            for (Slice slice : slices) {
              if (slice.budget.freeMicros() < want) {
                wantToo(purse, slice, want, now); // of all that are short: one wait is enough
              }
            }
            Slice without = slices[which];
            if (now - without.failedAtMs < PERIOD_MS) {
              return new Entry.BooksAway();
            }
            if (now - without.answeredAtMs >= ASKED_AGAIN_MS) {
              return new Entry.Funding();
            }
            return without.budget.freeMicros() + without.budget.heldMicros() < least
                ? new Entry.NoMoney(missing, without.ofProject())
                : new Entry.Reserved(missing, without.ofProject());
          }
          case JointBudget.Claim.Busy() -> {
            for (Quota quota : entered) {
              quota.leave(tokens, 0);
            }
            return new Entry.Limited(2, Quota.Limit.CONCURRENT, PERIOD_MS, left);
          }
        }
        for (Slice slice : slices) {
          if (slice.budget.freeMicros() < Math.max(want, SLICE_MICROS / 4)) {
            want(purse, slice, Math.max(want, SLICE_MICROS), now);
          }
        }
      }
      return new Entry.Entered(
          new Ticket(
              purse,
              entered,
              line,
              standard == null ? price : standard.price(),
              tokens,
              left,
              joint,
              slices,
              new Meter(price, promptTokens, outputTokensMax, held)));
    }
  }

  /// Out of which a request is paid: its project's budget, then its tenant's money; none where the
  /// tenant pays later and the project has no budget.
  private static Slice[] slices(Purse purse, Tenant tenant, Project project, long nowMs) {
    Slice cap = purse.of(project, nowMs);
    purse.money.usedAtMs = nowMs;
    if (cap == null) {
      return tenant.prepaid() ? new Slice[] {purse.money} : NO_SLICES;
    }
    cap.usedAtMs = nowMs;
    return tenant.prepaid() ? new Slice[] {cap, purse.money} : new Slice[] {cap};
  }

  private static JointBudget joint(String requestId, Slice[] slices) {
    var budgets = new Budget[slices.length];
    for (int i = 0; i < slices.length; i++) {
      budgets[i] = slices[i].budget;
    }
    return new JointBudget(requestId, budgets);
  }

  /// Asks for more before it is needed, unless the ledger has just said that there is none.
  private void want(Purse purse, Slice slice, long micros, long nowMs) {
    ask(purse, slice, Math.max(slice.wantedMicros, micros), nowMs);
  }

  /// Asks for more for a request that waits for it, beside those that wait already.
  private void wantToo(Purse purse, Slice slice, long micros, long nowMs) {
    long most = Budget.UNLIMITED_MICROS;
    ask(purse, slice, Math.min(most, slice.wantedMicros + Math.min(most, micros)), nowMs);
  }

  private void ask(Purse purse, Slice slice, long micros, long nowMs) {
    if (nowMs - slice.answeredAtMs >= ASKED_AGAIN_MS) {
      purse.wants = true;
      slice.wantedMicros = micros;
      wanted = true;
      LockSupport.unpark(thread);
    }
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
    }
    wanted = true;
    LockSupport.unpark(thread);
    return true;
  }

  /// A request that has entered. For one thread, such as its event loop's.
  public final class Ticket {
    private final Purse purse;
    private final Quota[] entered;
    private final PriceList.Line line;
    private final Price listPrice;
    private final long estimatedTokens;
    private final Allowance left;
    private final @Nullable JointBudget joint; // null: paid later, or free
    private final Slice[] slices;
    private final Meter meter;
    private boolean over;

    private Ticket(
        Purse purse,
        Quota[] entered,
        PriceList.Line line,
        Price listPrice,
        long estimatedTokens,
        Allowance left,
        @Nullable JointBudget joint,
        Slice[] slices,
        Meter meter) {
      this.purse = purse;
      this.entered = entered;
      this.line = line;
      this.listPrice = listPrice;
      this.estimatedTokens = estimatedTokens;
      this.left = left;
      this.joint = joint;
      this.slices = slices;
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
      JointBudget held = joint;
      if (held == null || meter.next(tokens) == Meter.Verdict.PASS) {
        return true;
      }
      long now = clock.getAsLong();
      synchronized (purse) {
        long want = meter.wantMicros(tokens);
        if (held.extend(meter.leastMicros(tokens), want, now + RESERVATION_MS, now)
            instanceof JointBudget.Claim.Granted(long micros)) {
          meter.held(micros);
        } else {
          meter.refused();
        }
        for (Slice slice : slices) {
          slice.usedAtMs = now;
          if (slice.budget.freeMicros() < SLICE_MICROS / 4) {
            want(purse, slice, SLICE_MICROS, now);
          }
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
        JointBudget held = joint;
        if (held == null) {
          return new Charged(cost, list, 0);
        }
        JointBudget.Settled settled = held.settle(cost, clock.getAsLong());
        return new Charged(settled.chargedMicros(), list, settled.operatorMicros());
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
  /// @param operatorMicros that it cost beyond the tenant's money or its project's budget
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
        away = false; // one who waits in vain is enough
      }
      for (Purse purse : purses.values()) {
        fill(purse);
        if (round) {
          tidy(purse, now);
        }
      }
    }
  }

  private record Wanted(Slice slice, long micros) {}

  private void fill(Purse purse) {
    var asked = new ArrayList<Wanted>(0);
    List<Runnable> told;
    synchronized (purse) {
      if (!purse.wants && purse.waiting.isEmpty()) {
        return;
      }
      purse.wants = false;
      for (Slice slice : purse.slices()) {
        if (slice.wantedMicros > 0) {
          asked.add(new Wanted(slice, slice.wantedMicros));
          slice.wantedMicros = 0;
        }
      }
      // who waits has said before what it wants
      told = purse.waiting; // never the list that others add to
      purse.waiting = new ArrayList<>(0);
    }
    for (Wanted wanted : asked) {
      fill(purse, wanted.slice(), wanted.micros());
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

  private void fill(Purse purse, Slice slice, long wantMicros) {
    if (!answered(purse, slice)) {
      return;
    }
    long leaseEndMs = clock.getAsLong() + Ledger.LEASE_MS;
    long got =
        moved(
            purse,
            slice,
            new Move(false, Math.max(wantMicros, SLICE_MICROS), leaseEndMs, reference("hold")));
    if (got >= 0 && got < wantMicros) {
      synchronized (purse) {
        slice.answeredAtMs = clock.getAsLong();
      }
    }
  }

  private String reference(String kind) {
    return kind + "/" + gateway + "/" + UUID.randomUUID();
  }

  /// Whether the ledger has answered all moves of a slice; asks again where it has not.
  private boolean answered(Purse purse, Slice slice) {
    if (!lapsed(purse, slice)) {
      return false;
    }
    Move move = slice.unanswered;
    if (move == null) {
      return true;
    }
    if (clock.getAsLong() >= move.leaseEndMs()) {
      slice.unanswered = null;
      return true;
    }
    return moved(purse, slice, move) >= 0;
  }

  /// Gives back what is left of a lease that has ended, before anything else is moved: the ledger
  /// may have taken it back by itself, and then takes nothing; the next lease must not make it
  /// spendable again. False: nobody knows yet.
  private boolean lapsed(Purse purse, Slice slice) {
    long now = clock.getAsLong();
    Move move = slice.lapsed;
    if (move == null) {
      long left;
      synchronized (purse) {
        left = now < slice.budget.leaseEndMs() ? 0 : slice.budget.giveBack(Long.MAX_VALUE);
      }
      if (left == 0) {
        return true;
      }
      move = new Move(true, left, now + Ledger.LEASE_MS, reference("return"));
      slice.lapsed = move;
    }
    if (tell(purse, slice, move) < 0) {
      return false;
    }
    slice.lapsed = null;
    return true;
  }

  /// Moves money or permission between the ledger and a slice. Returns how much; negative: nobody
  /// knows yet.
  private long moved(Purse purse, Slice slice, Move move) {
    slice.unanswered = move;
    long micros = tell(purse, slice, move);
    if (micros >= 0) {
      slice.unanswered = null;
      if (!move.back()) {
        synchronized (purse) {
          slice.budget.grant(micros, move.leaseEndMs());
        }
      }
    }
    return micros;
  }

  /// Tells the ledger of a move. Returns how much it was; negative: no answer.
  private long tell(Purse purse, Slice slice, Move move) {
    long micros = move.micros();
    try {
      if (!move.back()) {
        Instant end = Instant.ofEpochMilli(move.leaseEndMs());
        micros =
            slice.ofProject()
                ? ledger.holdBudget(
                    gateway,
                    purse.tenant,
                    slice.project,
                    slice.period.name(),
                    micros,
                    end,
                    move.reference())
                : ledger.hold(gateway, purse.tenant, micros, end, move.reference());
      } else if (slice.ofProject()) {
        ledger.giveBackBudget(
            gateway, purse.tenant, slice.project, slice.period.name(), micros, move.reference());
      } else {
        ledger.giveBack(gateway, purse.tenant, micros, move.reference());
      }
    } catch (RuntimeException e) {
      log.warn(
          "{} {} of {} {} has no answer and is asked for again: {}",
          move.back() ? "the return of" : "a slice of",
          micros,
          purse.tenant,
          slice.project,
          e.getMessage());
      away = true;
      synchronized (purse) {
        slice.failedAtMs = clock.getAsLong();
      }
      return -1;
    }
    synchronized (purse) {
      slice.failedAtMs = Long.MIN_VALUE / 2;
    }
    return micros;
  }

  private void tidy(Purse purse, long now) {
    List<Slice> all;
    synchronized (purse) {
      all = purse.slices();
    }
    for (Slice slice : all) {
      tidy(purse, slice, now);
    }
  }

  private void tidy(Purse purse, Slice slice, long now) {
    boolean asks = !away && answered(purse, slice);
    long back = 0;
    long leaseEndMs;
    synchronized (purse) {
      Budget budget = slice.budget;
      List<String> ended = budget.expire(now);
      if (!ended.isEmpty()) {
        log.warn(
            "{} reservations of {} {} ended by themselves",
            ended.size(),
            purse.tenant,
            slice.project);
      }
      budget.tidy();
      leaseEndMs = budget.leaseEndMs();
      boolean idle = now - slice.usedAtMs > IDLE_MS || purse.retired.contains(slice);
      if (asks && (slice.recalled || idle && budget.reservations() == 0)) {
        back = budget.giveBack(Long.MAX_VALUE);
        slice.recalled = false;
      }
      if (back == 0 && budget.freeMicros() > 0 && budget.leaseEndMs() - now < Ledger.LEASE_MS / 2) {
        slice.wantedMicros = Math.max(slice.wantedMicros, 1); // prolongs the lease
        purse.wants = true;
      }
      if (asks && back == 0 && budget.reservations() == 0 && slice.wantedMicros == 0) {
        purse.retired.remove(slice);
        if (slice.ofProject() && idle) {
          purse.projects.remove(slice.project, slice);
        }
      }
    }
    if (back > 0) {
      moved(purse, slice, new Move(true, back, leaseEndMs, reference("return")));
    }
  }

  /// What a tenant's purse has here: free and held micros. For metrics and tests.
  public long[] state(String tenant) {
    Purse purse = purses.get(tenant);
    if (purse == null) {
      return new long[] {0, 0};
    }
    synchronized (purse) {
      return new long[] {purse.money.budget.freeMicros(), purse.money.budget.heldMicros()};
    }
  }

  /// What there is here of a project's budget: free and held micros.
  public long[] state(String tenant, String project) {
    Purse purse = purses.get(tenant);
    if (purse == null) {
      return new long[] {0, 0};
    }
    synchronized (purse) {
      Slice slice = purse.projects.get(project);
      return slice == null
          ? new long[] {0, 0}
          : new long[] {slice.budget.freeMicros(), slice.budget.heldMicros()};
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
