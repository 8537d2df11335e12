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
/// `kind`, where there is no place for the first there is none for the second; a search looks for
/// `TRIES_MAX` places in vain, `TENANT_TRIES_MAX` for one tenant, so that its cost is bounded
/// whoever waits, and the next one goes on where it ended, so that those who cannot be served hold
/// up nobody else. Each class waits for so long and no longer, and no longer than its client.
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

  /// Places that one search looks for in vain.
  public static final int TRIES_MAX = 24;

  /// Of these, for the requests of one tenant in one tier: less than a fifth, so that each tier has
  /// its tries.
  public static final int TENANT_TRIES_MAX = 3;

  /// Requests that one search asks about, most of them of kinds that it has asked about already.
  public static final int LOOKS_MAX = 1_024;

  /// Places that are given in one go, as long as whoever serves holds a lock.
  public static final int SERVED_MAX = 32;

  /// Bounds. Immutable.
  ///
  /// @param queue bounds and floors of each model's queue
  /// @param placeWaitMsMax an endpoint with a longer wait has no place
  /// @param waitMsMax by tier: how long a request waits here at most; 0: it is refused at once
  /// @param tenantBytesMax that the waiting requests of one tenant take, for any model
  public record Settings(
      FairQueue.Settings queue, int placeWaitMsMax, List<Integer> waitMsMax, long tenantBytesMax) {
    /// What is worthless when late is told so soon; what can come back may as well stay.
    public static final Settings USUAL =
        new Settings(
            FairQueue.Settings.USUAL,
            500,
            List.of(2_000, 10_000, 30_000, 120_000, 300_000),
            64L << 20);

    public Settings {
      waitMsMax = List.copyOf(waitMsMax);
      if (placeWaitMsMax < 1
          || waitMsMax.size() != TIERS
          || waitMsMax.stream().anyMatch(ms -> ms < 0)
          || tenantBytesMax < 1) {
        throw new IllegalArgumentException(
            "placeWaitMsMax "
                + placeWaitMsMax
                + ", waitMsMax "
                + waitMsMax
                + ", tenantBytesMax "
                + tenantBytesMax
                + " (expected: 1 or more each, and "
                + TIERS
                + " times of 0 or more)");
      }
    }

    /// These settings with another wait at places.
    public Settings withPlaceWaitMsMax(int ms) {
      return new Settings(queue, ms, waitMsMax, tenantBytesMax);
    }

    /// These settings with the same longest wait for all classes.
    public Settings withWaitMsMax(int ms) {
      return new Settings(queue, placeWaitMsMax, Collections.nCopies(TIERS, ms), tenantBytesMax);
    }

    /// How long a request waits at most.
    ///
    /// @param patienceMs how long its client does
    public int waitMs(ServiceTier tier, long patienceMs) {
      return (int) Math.clamp(patienceMs, 0, waitMsMax.get(tier.ordinal()));
    }
  }

  /// Looks for places.
  public interface Places<T> {
    /// What decides by now where a request may run, what it is near and how much it needs: anything
    /// with `equals`. Asked for each that waits, so it must cost next to nothing.
    Object kind(T item);

    /// Looks for a place; whoever has one waits no longer. `NOT_FOR_THIS` or `ENOUGH` otherwise.
    ///
    /// @param rank the tier whose places it may have
    FairQueue.Found find(T item, ServiceTier rank);
  }

  private record Held<T>(T item, String tenant, long bytes) {
    @Override
    public boolean equals(@Nullable Object other) {
      return other instanceof Held<?> held && item.equals(held.item);
    }

    @Override
    public int hashCode() {
      return item.hashCode();
    }
  }

  private record Refused(Object kind, ServiceTier rank) {}

  private final Settings settings;
  private final Map<String, FairQueue<Held<T>>> queues = new HashMap<>();
  private final Map<String, Long> bytesOfTenant = new HashMap<>();
  private int waiting;

  public WaitingRoom(Settings settings) {
    this.settings = settings;
  }

  /// Puts a request behind the others of its tenant.
  ///
  /// @param weight the tenant's, 1 to `FairQueue.WEIGHT_MAX`
  /// @param bytes that it takes while it waits
  public FairQueue.Offer enter(
      String model,
      ServiceTier tier,
      String tenant,
      int weight,
      long inputTokens,
      long bytes,
      T item) {
    long held = bytesOfTenant.getOrDefault(tenant, 0L);
    if (held + bytes > settings.tenantBytesMax()) {
      return FairQueue.Offer.TENANT_FULL;
    }
    if (queues.size() >= QUEUES_IDLE_MAX) {
      queues.values().removeIf(queue -> queue.waiting() == 0);
    }
    FairQueue.Offer offer =
        queues
            .computeIfAbsent(model, _ -> new FairQueue<>(settings.queue()))
            .offer(tier, tenant, weight, inputTokens, new Held<>(item, tenant, bytes));
    if (offer == FairQueue.Offer.WAITS) {
      waiting++;
      bytesOfTenant.put(tenant, held + bytes);
    }
    return offer;
  }

  /// Offers what places there are to those who wait for a model; returns how many have one now, at
  /// most `SERVED_MAX`.
  public int serve(String model, Places<T> places) {
    FairQueue<Held<T>> queue = queues.get(model);
    if (queue == null || queue.waiting() == 0) {
      return 0;
    }
    var search = new Search<>(places);
    int served = 0;
    while (served < SERVED_MAX) {
      FairQueue.Taken<Held<T>> taken = queue.take(search);
      if (taken == null) {
        break;
      }
      gone(taken.item());
      served++;
    }
    if (served > 0 && queue.waiting() == 0) {
      queue.tidy();
    }
    return served;
  }

  /// What was asked for in vain while places are given: giving one only takes places away.
  private static final class Search<T> implements FairQueue.Places<Held<T>> {
    private final Places<T> places;
    private final Set<Refused> refused = new HashSet<>(4);
    private String tenant = "";
    private @Nullable ServiceTier rank;
    private int tenantTries;
    private int looks;

    Search(Places<T> places) {
      this.places = places;
    }

    @Override
    public FairQueue.Found find(Held<T> held, ServiceTier of) {
      if (looks++ >= LOOKS_MAX || refused.size() >= TRIES_MAX) {
        return FairQueue.Found.ENOUGH;
      }
      if (of != rank || !held.tenant().equals(tenant)) {
        tenant = held.tenant();
        rank = of;
        tenantTries = 0;
      }
      var asked = new Refused(places.kind(held.item()), of);
      if (refused.contains(asked)) {
        return FairQueue.Found.NOT_FOR_THIS;
      }
      FairQueue.Found found = places.find(held.item(), of);
      if (found == FairQueue.Found.NOT_FOR_THIS) {
        refused.add(asked);
        if (++tenantTries >= TENANT_TRIES_MAX) {
          return FairQueue.Found.NOT_FOR_ITS_TENANT;
        }
      }
      return found;
    }
  }

  private void gone(Held<T> held) {
    waiting--;
    long left = bytesOfTenant.getOrDefault(held.tenant(), 0L) - held.bytes();
    if (left > 0) {
      bytesOfTenant.put(held.tenant(), left);
    } else {
      bytesOfTenant.remove(held.tenant());
    }
  }

  /// A request waits no longer: its client has gone, or its time is over. False when it did not
  /// wait, since it has been placed.
  ///
  /// @param bytes as it entered with
  public boolean leave(String model, ServiceTier tier, String tenant, long bytes, T item) {
    FairQueue<Held<T>> queue = queues.get(model);
    var held = new Held<>(item, tenant, bytes);
    if (queue == null || !queue.remove(tier, tenant, held)) {
      return false;
    }
    gone(held);
    return true;
  }

  /// Tells of tokens that have been produced for a tenant, whether the request waited here or not.
  /// Counts while somebody waits for the model.
  public void produced(String model, ServiceTier tier, String tenant, long tokens) {
    FairQueue<Held<T>> queue = queues.get(model);
    if (queue != null && queue.waiting() > 0) {
      queue.produced(tier, tenant, tokens);
    }
  }

  /// Whether somebody waits for a model.
  public boolean waitsFor(String model) {
    FairQueue<Held<T>> queue = queues.get(model);
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
    for (FairQueue<Held<T>> queue : queues.values()) {
      sum += queue.waiting(tier);
    }
    return sum;
  }
}
