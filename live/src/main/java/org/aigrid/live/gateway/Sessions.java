package org.aigrid.live.gateway;

import io.netty.util.concurrent.EventExecutor;
import io.netty.util.concurrent.ScheduledFuture;
import java.util.HashSet;
import java.util.Iterator;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.locks.ReentrantLock;
import org.aigrid.core.node.Session;
import org.aigrid.core.node.SessionEffect;
import org.aigrid.core.node.SessionEvent;
import org.aigrid.core.node.Step;
import org.aigrid.core.route.RouteRequest;
import org.jspecify.annotations.Nullable;

/// The conversations that a gateway knows, by tenant and by what their clients call them: carries
/// out what core's `Session` decides.
///
/// A session is a client's offer: `prompt_cache_key` in the body, else `x-grid-session`. A request
/// without costs nothing here; one with costs a copy of its body, a lookup and a few hundred bytes.
/// Bounds: `SessionLimits`, and one timer a session. Thread-safe; effects are carried out outside
/// the lock.
final class Sessions {
  /// Longest name of a session.
  static final int NAME_CHARS_MAX = 128;

  /// What is too old may be so much older.
  private static final int SWEEP_MS = 10_000;

  private final Gateway gateway;
  private final SessionLimits limits;
  private final ReentrantLock lock = new ReentrantLock();
  private final LinkedHashMap<String, Entry> entries = new LinkedHashMap<>(16, 0.75f, true);
  private long keptBytes;
  private boolean sweeping;

  /// One session; guarded by the lock.
  private static final class Entry {
    final String tenant;
    Session state;
    @Nullable LastPrompt prompt;
    final Set<Turn> turns = new HashSet<>();
    long usedMs;
    long wakeAtMs = Long.MAX_VALUE; // the earliest, for which its timer runs
    @Nullable ScheduledFuture<?> wake;
    boolean warm; // computed ahead, and no turn has ended since

    Entry(String tenant, long nowMs) {
      this.tenant = tenant;
      state = Session.begin(nowMs);
      usedMs = nowMs;
    }
  }

  Sessions(Gateway gateway) {
    this.gateway = gateway;
    limits = gateway.settings().sessions();
  }

  /// One request of a session, from its beginning to its end.
  final class Turn {
    private final Entry entry;
    private final Exchange exchange;
    private final @Nullable LastPrompt prompt;
    private final boolean afterPrewarm;

    private Turn(Entry entry, Exchange exchange, @Nullable LastPrompt prompt) {
      this.entry = entry;
      this.exchange = exchange;
      this.prompt = prompt;
      afterPrewarm = entry.warm;
    }

    /// Dense index of the site where its caller is, or -1.
    int cell() {
      lock.lock();
      try {
        return entry.state.cell();
      } finally {
        lock.unlock();
      }
    }

    /// Computes its prompt ahead, for a stream that would then be worth moving, if core lets it.
    ///
    /// @param tried where not
    /// @param done runs on `loop` when it was
    void prewarm(int cell, int[] tried, EventExecutor loop, Runnable done) {
      LastPrompt known = prompt;
      if (known == null) {
        gateway.metrics().kept("not_remembered");
        return;
      }
      if (advance(entry, new SessionEvent.WarmWanted(cell)).effects().isEmpty()) {
        gateway.metrics().kept("not_prewarmed"); // another was, or is, too lately
        return;
      }
      Prewarm.begin(
          gateway,
          known,
          cell,
          tried,
          loop,
          endpoint -> {
            on(entry, new SessionEvent.Prewarmed(cell, endpoint));
            if (endpoint >= 0) {
              done.run();
            } else {
              gateway.metrics().kept("not_prewarmed");
            }
          });
    }

    /// It is over.
    ///
    /// @param endpoint that answered, or -1
    /// @param cachedTokens of its prompt that the endpoint still had
    void end(int endpoint, int cachedTokens) {
      lock.lock();
      try {
        entry.turns.remove(this);
        entry.usedMs = gateway.grid().nowMs();
        if (afterPrewarm && entry.warm && endpoint >= 0) {
          entry.warm = false;
          gateway
              .metrics()
              .prewarmUsed(endpoint == entry.state.warmedEndpoint() && cachedTokens > 0);
        }
      } finally {
        lock.unlock();
      }
      on(entry, new SessionEvent.Ended());
    }
  }

  /// A turn begins. Null when the name is none or no session may be kept.
  ///
  /// @param prompt to be remembered, or null when it is too long for that
  /// @param cell where its caller stands, or -1
  /// @param told whether a trusted network said so
  @Nullable Turn begin(
      Exchange exchange,
      String tenant,
      String name,
      @Nullable LastPrompt prompt,
      int cell,
      boolean told) {
    if (name.isEmpty() || name.length() > NAME_CHARS_MAX || limits.sessionsMax() == 0) {
      return null;
    }
    long nowMs = gateway.grid().nowMs();
    Advance asked;
    Turn turn;
    lock.lock();
    try {
      Entry entry = entries.computeIfAbsent(mapKey(tenant, name), k -> new Entry(tenant, nowMs));
      entry.usedMs = nowMs;
      remember(entry, prompt);
      turn = new Turn(entry, exchange, prompt);
      entry.turns.add(turn);
      asked = advance(entry, new SessionEvent.Asked(cell, told));
      forgetBeyondBounds();
      sweepLater();
    } finally {
      lock.unlock();
    }
    carryOut(asked);
    return turn;
  }

  private static String mapKey(String tenant, String name) {
    return tenant + '\n' + name;
  }

  private void remember(Entry entry, @Nullable LastPrompt prompt) {
    keptBytes -= entry.prompt == null ? 0 : entry.prompt.body().length;
    entry.prompt = prompt;
    keptBytes += prompt == null ? 0 : prompt.body().length;
  }

  /// Longest unused first.
  private void forgetBeyondBounds() {
    Iterator<Entry> eldest = entries.values().iterator();
    while (entries.size() > limits.sessionsMax() || keptBytes > limits.bytesMax()) {
      remember(eldest.next(), null);
      eldest.remove();
    }
  }

  /// Looks at every session: one that is old may stand behind one that is used, since the order is
  /// that of beginnings and a turn may be long.
  private void sweep() {
    lock.lock();
    try {
      long nowMs = gateway.grid().nowMs();
      for (Iterator<Entry> all = entries.values().iterator(); all.hasNext(); ) {
        Entry entry = all.next();
        if (entry.turns.isEmpty() && nowMs - entry.usedMs >= limits.idleMsMax()) {
          remember(entry, null);
          all.remove();
        }
      }
      sweeping = false;
      sweepLater();
    } finally {
      lock.unlock();
    }
  }

  private void sweepLater() {
    if (!sweeping && !entries.isEmpty()) {
      sweeping = true;
      int afterMs = Math.min(SWEEP_MS, limits.idleMsMax());
      gateway.anyLoop().schedule(this::sweep, afterMs, TimeUnit.MILLISECONDS);
    }
  }

  /// The network's word.
  CallerNotice noticed(@Nullable String tenant, String name, String siteId, long inMs) {
    int site = gateway.grid().view().roster().indexOfSite(siteId);
    if (site < 0) {
      return CallerNotice.NO_SITE;
    }
    Entry found = null;
    lock.lock();
    try {
      if (tenant != null) {
        found = entries.get(mapKey(tenant, name));
      } else {
        for (Map.Entry<String, Entry> one : entries.entrySet()) {
          if (one.getKey().equals(mapKey(one.getValue().tenant, name))) {
            if (found != null) {
              return CallerNotice.SEVERAL_TENANTS;
            }
            found = one.getValue();
          }
        }
      }
    } finally {
      lock.unlock();
    }
    if (found == null) {
      return CallerNotice.NO_SESSION;
    }
    on(found, new SessionEvent.Noticed(site, inMs));
    return CallerNotice.TAKEN;
  }

  /// Sessions remembered, and the bytes of their prompts: for tests.
  long[] kept() {
    lock.lock();
    try {
      return new long[] {entries.size(), keptBytes};
    } finally {
      lock.unlock();
    }
  }

  /// What follows from an event, and what it is about: taken under the lock, carried out without.
  private record Advance(
      Entry entry, List<SessionEffect> effects, List<Turn> turns, @Nullable LastPrompt prompt) {}

  private void on(Entry entry, SessionEvent event) {
    carryOut(advance(entry, event));
  }

  private Advance advance(Entry entry, SessionEvent event) {
    lock.lock();
    try {
      Session before = entry.state;
      Step<Session, SessionEffect> step =
          before.on(event, gateway.settings().handover(), gateway.grid().nowMs());
      entry.state = step.state();
      if (before.cell() >= 0 && entry.state.cell() != before.cell()) {
        gateway.metrics().cellChanged(event instanceof SessionEvent.Noticed ? "notice" : "request");
      }
      if (event instanceof SessionEvent.Prewarmed(int _, int endpoint) && endpoint >= 0) {
        entry.warm = true;
      }
      return new Advance(entry, step.effects(), List.copyOf(entry.turns), entry.prompt);
    } finally {
      lock.unlock();
    }
  }

  private void carryOut(Advance advance) {
    for (SessionEffect effect : advance.effects()) {
      switch (effect) {
        case SessionEffect.Prewarm(int cell) -> prewarm(advance.entry(), advance.prompt(), cell);
        case SessionEffect.Weigh(int cell, long stayMs) ->
            advance.turns().forEach(turn -> turn.exchange.weigh(cell, stayMs));
        case SessionEffect.WakeAt(long atMs) -> wakeAt(advance.entry(), atMs);
      }
    }
  }

  private void prewarm(Entry entry, @Nullable LastPrompt prompt, int cell) {
    if (prompt == null) {
      gateway.metrics().prewarmed("not_remembered");
      on(entry, new SessionEvent.Prewarmed(cell, -1));
      return;
    }
    Prewarm.begin(
        gateway,
        prompt,
        cell,
        RouteRequest.NONE_TRIED,
        gateway.anyLoop(),
        endpoint -> on(entry, new SessionEvent.Prewarmed(cell, endpoint)));
  }

  /// Keeps the earliest: core asks again for what is due later.
  private void wakeAt(Entry entry, long atMs) {
    lock.lock();
    try {
      if (atMs >= entry.wakeAtMs) {
        return;
      }
      if (entry.wake != null) {
        entry.wake.cancel(false);
      }
      entry.wakeAtMs = atMs;
      long afterMs = Math.max(1, atMs - gateway.grid().nowMs());
      entry.wake =
          gateway.anyLoop().schedule(() -> woken(entry, atMs), afterMs, TimeUnit.MILLISECONDS);
    } finally {
      lock.unlock();
    }
  }

  private void woken(Entry entry, long atMs) {
    lock.lock();
    try {
      if (atMs != entry.wakeAtMs) {
        return; // another took its place just now
      }
      entry.wakeAtMs = Long.MAX_VALUE;
      entry.wake = null;
    } finally {
      lock.unlock();
    }
    on(entry, new SessionEvent.Woken());
  }
}
