package org.aigrid.live.up;

import java.util.ArrayDeque;
import java.util.Comparator;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Queue;
import java.util.TreeMap;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;
import java.util.function.Consumer;
import org.aigrid.core.model.Tier;
import org.jspecify.annotations.Nullable;

/// Disturbs a grid again and again where most streams are, until it is stopped or an order fails,
/// and then makes everything good again, however it ended: a disturbance's mend is on the list
/// before its order is given. `stop` and the answers are for any thread, once `run` has returned.
final class Disturber implements Runnable {
  /// The running grid.
  interface Grid {
    List<SiteState> sites();

    void order(String site, String order);
  }

  private enum Disturbance {
    KILL,
    SURGE,
    MUTE
  }

  private record Mend(long dueNanos, String site, String order) {}

  private static final double SURGE_SHARE = 0.97;
  private static final long SURGE_MS = 1_500;

  private final Grid grid;
  private final String model;
  private final long everyMs;
  private final long disturbedForMs;
  private final Consumer<String> says;
  private final CountDownLatch stopped = new CountDownLatch(1);
  private final Queue<Mend> mends =
      new ArrayDeque<>(); // all wait as long, so the first is due first
  private final Map<String, Integer> done = new TreeMap<>();
  private volatile @Nullable String failure;

  /// @param model under whose streams it disturbs
  /// @param everyMs between two disturbances
  /// @param disturbedForMs until one that does not end by itself is made good again
  /// @param says what it does, for people
  Disturber(Grid grid, String model, long everyMs, long disturbedForMs, Consumer<String> says) {
    this.grid = grid;
    this.model = model;
    this.everyMs = everyMs;
    this.disturbedForMs = disturbedForMs;
    this.says = says;
  }

  /// Ends `run` soon.
  void stop() {
    stopped.countDown();
  }

  /// How often what was done.
  Map<String, Integer> done() {
    return new TreeMap<>(done);
  }

  /// Why it ended before it was stopped, or could not make all good again; null when neither.
  @Nullable String failure() {
    return failure;
  }

  @Override
  public void run() {
    try {
      disturb();
    } catch (InterruptedException e) {
      failed("interrupted");
    } catch (RuntimeException e) {
      failed(String.valueOf(e.getMessage()));
    } finally {
      for (Mend mend = mends.poll(); mend != null; mend = mends.poll()) {
        try {
          grid.order(mend.site(), mend.order());
        } catch (RuntimeException e) {
          failed("cannot " + mend.order() + " " + mend.site() + ": " + e.getMessage());
        }
      }
    }
  }

  private void failed(String why) {
    failure = failure == null ? why : failure + "; " + why;
    says.accept("the disturbance ended: " + why);
  }

  private void disturb() throws InterruptedException {
    long next = System.nanoTime() + TimeUnit.MILLISECONDS.toNanos(everyMs);
    for (int turn = 0; ; ) {
      Mend mend = mends.peek();
      if (mend != null && mend.dueNanos() - next >= 0) {
        mend = null; // not before the next disturbance
      }
      long waitNanos = (mend == null ? next : mend.dueNanos()) - System.nanoTime();
      if (stopped.await(Math.max(0, waitNanos), TimeUnit.NANOSECONDS)) {
        return;
      }
      if (mend != null) {
        grid.order(mend.site(), mend.order()); // stays on the list when that fails
        mends.remove();
      } else {
        SiteState busiest = busiest(grid.sites(), model);
        if (busiest != null) {
          disturb(busiest, turn++);
        }
        next = System.nanoTime() + TimeUnit.MILLISECONDS.toNanos(everyMs);
      }
    }
  }

  private void disturb(SiteState site, int turn) {
    Disturbance what = Disturbance.values()[turn % Disturbance.values().length];
    if (what == Disturbance.SURGE && site.radio() < 0) {
      what = Disturbance.KILL;
    }
    String name = what.name().toLowerCase(Locale.ROOT);
    says.accept(name + " " + site.id());
    switch (what) {
      case KILL -> {
        mendLater(site.id(), "revive");
        grid.order(site.id(), "kill");
      }
      case SURGE -> grid.order(site.id(), "surge/" + SURGE_SHARE + "/" + SURGE_MS);
      case MUTE -> {
        mendLater(site.id(), "unmute");
        grid.order(site.id(), "mute");
      }
    }
    done.merge(name, 1, Integer::sum);
  }

  private void mendLater(String site, String order) {
    long dueNanos = System.nanoTime() + TimeUnit.MILLISECONDS.toNanos(disturbedForMs);
    mends.add(new Mend(dueNanos, site, order));
  }

  /// Base stations first: a hub has room for all, and its death is the last thing to try.
  private static @Nullable SiteState busiest(List<SiteState> sites, String model) {
    return sites.stream()
        .filter(site -> site.state() == SiteState.Condition.UP && !site.muted())
        .filter(site -> site.leaseMs() > 0 && serves(site, model) && running(site) > 0)
        .max(
            Comparator.comparing((SiteState site) -> site.tier() == Tier.CELL)
                .thenComparingInt(Disturber::running))
        .orElse(null);
  }

  /// Whether the site serves the model.
  static boolean serves(SiteState site, String model) {
    return site.endpoints().stream().anyMatch(endpoint -> endpoint.model().equals(model));
  }

  private static int running(SiteState site) {
    return site.endpoints().stream().mapToInt(SiteState.EndpointState::running).sum();
  }
}
