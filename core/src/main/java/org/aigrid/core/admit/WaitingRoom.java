package org.aigrid.core.admit;

import java.util.ArrayList;
import java.util.Collections;
import java.util.HashMap;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import org.aigrid.core.model.ServiceTier;
import org.jspecify.annotations.Nullable;

/// Where requests wait that were let in and find no place: a `FairQueue` for each model, since what
/// waits for one model does not stand in the way of another.
///
/// The rules: **nobody overtakes**, so a request that comes while others wait for its model waits,
/// too, though there may be a place for it at once; a place that becomes free is offered in the
/// queue's order; what can be served nowhere now is passed over and keeps its turn; of two of one
/// `kind`, where there is no place for the first there is none for the second; a search ends after
/// `triesMax` places that were looked for in vain or `looksMax` that wait, so that its cost is
/// bounded whoever waits. Each class waits for so long and no longer, and no longer than its
/// client.
///
/// **Places are kept short of work on purpose.** Engines serve in the order of arrival; whatever
/// waits there is beyond fairness. So a request waits here as soon as it would wait for more than
/// `placeWaitMsMax` at its place, enough to keep an engine busy between two answers.
///
/// Not thread-safe. A few microseconds a search beside what the places cost.
///
/// @param <T> what waits; compared by `equals`
public final class WaitingRoom<T> {
  private static final int TIERS = ServiceTier.values().length;

  /// Models whose queues are remembered while empty.
  private static final int QUEUES_IDLE_MAX = 1_024;

  /// Bounds. Immutable.
  ///
  /// @param queue bounds and floors of each model's queue
  /// @param placeWaitMsMax an endpoint with a longer wait has no place
  /// @param waitMsMax by tier: how long a request waits here at most; 0: it is refused at once
  /// @param triesMax places looked for in vain until a search ends
  /// @param looksMax requests that a search asks about at most
  public record Settings(
      FairQueue.Settings queue,
      int placeWaitMsMax,
      List<Integer> waitMsMax,
      int triesMax,
      int looksMax) {
    /// What is worthless when late is told so soon; what can come back may as well stay.
    public static final Settings USUAL =
        new Settings(
            FairQueue.Settings.USUAL,
            500,
            List.of(2_000, 10_000, 30_000, 120_000, 300_000),
            16,
            128);

    public Settings {
      waitMsMax = List.copyOf(waitMsMax);
      if (placeWaitMsMax < 1
          || waitMsMax.size() != TIERS
          || waitMsMax.stream().anyMatch(ms -> ms < 0)
          || triesMax < 1
          || looksMax < 1) {
        throw new IllegalArgumentException(
            "placeWaitMsMax "
                + placeWaitMsMax
                + ", waitMsMax "
                + waitMsMax
                + ", triesMax "
                + triesMax
                + ", looksMax "
                + looksMax
                + " (expected: 1 or more each, and "
                + TIERS
                + " times of 0 or more)");
      }
    }

    /// These settings with another wait at places.
    public Settings withPlaceWaitMsMax(int ms) {
      return new Settings(queue, ms, waitMsMax, triesMax, looksMax);
    }

    /// These settings with the same longest wait for all classes.
    public Settings withWaitMsMax(int ms) {
      return new Settings(
          queue, placeWaitMsMax, Collections.nCopies(TIERS, ms), triesMax, looksMax);
    }

    /// How long a request waits at most.
    ///
    /// @param patienceMs how long its client does
    public int waitMs(ServiceTier tier, long patienceMs) {
      return (int) Math.clamp(patienceMs, 0, waitMsMax.get(tier.ordinal()));
    }
  }

  /// Looks for the place of a request.
  @FunctionalInterface
  public interface Places<T> {
    /// True: there is one, and it has it now.
    ///
    /// @param rank the tier whose places it may have
    boolean find(T item, ServiceTier rank);
  }

  private record Kinded<T>(T item, Object kind) {
    @Override
    public boolean equals(@Nullable Object other) {
      return other instanceof Kinded<?> one && item.equals(one.item);
    }

    @Override
    public int hashCode() {
      return item.hashCode();
    }
  }

  private record Refused(Object kind, ServiceTier rank) {}

  private final Settings settings;
  private final Map<String, FairQueue<Kinded<T>>> queues = new HashMap<>();
  private int waiting;

  public WaitingRoom(Settings settings) {
    this.settings = settings;
  }

  /// Puts a request behind the others of its tenant.
  ///
  /// @param weight the tenant's, 1 to `FairQueue.WEIGHT_MAX`
  /// @param kind what decides where it may run and where it is near: anything with `equals`
  public FairQueue.Offer enter(
      String model,
      ServiceTier tier,
      String tenant,
      int weight,
      long inputTokens,
      Object kind,
      T item) {
    if (queues.size() >= QUEUES_IDLE_MAX) {
      queues.values().removeIf(queue -> queue.waiting() == 0);
    }
    FairQueue.Offer offer =
        queues
            .computeIfAbsent(model, _ -> new FairQueue<>(settings.queue()))
            .offer(tier, tenant, weight, inputTokens, new Kinded<>(item, kind));
    waiting += offer == FairQueue.Offer.WAITS ? 1 : 0;
    return offer;
  }

  /// The next request of a model for which there is a place, or null: none waits, or the search has
  /// ended without one.
  public @Nullable T next(String model, Places<T> places) {
    FairQueue<Kinded<T>> queue = queues.get(model);
    if (queue == null || queue.waiting() == 0) {
      return null;
    }
    Set<Refused> refused = new HashSet<>(4);
    int[] looks = {0};
    FairQueue.Taken<Kinded<T>> taken =
        queue.take(
            (waits, rank) -> {
              if (looks[0]++ >= settings.looksMax() || refused.size() >= settings.triesMax()) {
                return FairQueue.Found.NONE;
              }
              var asked = new Refused(waits.kind(), rank);
              if (!refused.contains(asked) && places.find(waits.item(), rank)) {
                return FairQueue.Found.PLACE;
              }
              refused.add(asked);
              return FairQueue.Found.NOT_FOR_THIS;
            });
    if (taken == null) {
      return null;
    }
    waiting--;
    if (queue.waiting() == 0) {
      queue.tidy();
    }
    return taken.item().item();
  }

  /// A request waits no longer: its client has gone, or its time is over. False when it did not
  /// wait, since it has been placed.
  public boolean leave(String model, ServiceTier tier, String tenant, T item) {
    FairQueue<Kinded<T>> queue = queues.get(model);
    boolean left = queue != null && queue.remove(tier, tenant, new Kinded<>(item, item));
    waiting -= left ? 1 : 0;
    return left;
  }

  /// Tells of tokens that have been produced for a tenant, whether the request waited here or not.
  /// Counts while somebody waits for the model.
  public void produced(String model, ServiceTier tier, String tenant, long tokens) {
    FairQueue<Kinded<T>> queue = queues.get(model);
    if (queue != null && queue.waiting() > 0) {
      queue.produced(tier, tenant, tokens);
    }
  }

  /// Whether somebody waits for a model.
  public boolean waitsFor(String model) {
    FairQueue<Kinded<T>> queue = queues.get(model);
    return queue != null && queue.waiting() > 0;
  }

  /// Models for which somebody waits.
  public List<String> models() {
    var models = new ArrayList<String>();
    queues.forEach(
        (model, queue) -> {
          if (queue.waiting() > 0) {
            models.add(model);
          }
        });
    return models;
  }

  /// How many wait, for any model.
  public int waiting() {
    return waiting;
  }

  /// How many wait in a tier, for any model.
  public int waiting(ServiceTier tier) {
    int sum = 0;
    for (FairQueue<Kinded<T>> queue : queues.values()) {
      sum += queue.waiting(tier);
    }
    return sum;
  }
}
