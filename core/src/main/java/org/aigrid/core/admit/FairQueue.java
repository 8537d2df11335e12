package org.aigrid.core.admit;

import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Comparator;
import java.util.HashMap;
import java.util.Iterator;
import java.util.List;
import java.util.Map;
import org.aigrid.core.model.ServiceTier;
import org.jspecify.annotations.Nullable;

/// Who is next when not everybody can be served: strict order between service tiers with a reserved
/// floor for each, and inside a tier token-weighted fairness between the tenants that wait.
///
/// Inside a tier this is the Virtual Token Counter (Sheng et al., OSDI 2024) with weights: a
/// tenant's counter grows by `INPUT_WEIGHT` for each token of prompt when a request of its is
/// taken, and by `OUTPUT_WEIGHT` for each token produced, divided by the tenant's weight; the one
/// with the smallest counter is next; who comes back from idleness is lifted to the smallest
/// counter of those who wait, so that nobody saves up. While two tenants both wait, the service
/// they got, divided by their weights, differs by at most 2 max(1 x longest prompt, 2 x M) /
/// smallest weight, M being the tokens of output that the requests of one tenant under way at one
/// time can produce. **This is the bound of one queue**: none is known for several gateways, each
/// of which is fair by itself.
///
/// Between tiers: the highest tier in which somebody waits, except that a tier that waits earns its
/// floor of all tokens taken, and is next as soon as what it earned pays for its next request.
///
/// Not everything that waits can be served everywhere, so `take` may be given a say: what there is
/// no place for is passed over and keeps its turn; nothing is charged for it.
///
/// Bounded by tier and by tenant; `Offer` says which bound was hit. Not thread-safe. An offer and a
/// take cost time in proportion to the tenants that wait in the tier: together some 4 us for a
/// thousand.
///
/// @param <T> what waits
public final class FairQueue<T> {
  /// Service that a token of prompt is.
  public static final int INPUT_WEIGHT = 1;

  /// Service that a token of output is.
  public static final int OUTPUT_WEIGHT = 2;

  /// The greatest weight of a tenant.
  public static final int WEIGHT_MAX = 1_000;

  /// Counters are kept in this part of a unit of service, so that division loses next to nothing.
  private static final long SCALE = 1_000_000;

  private static final ServiceTier[] TIER = ServiceTier.values();
  private static final int TIERS = TIER.length;

  /// Bounds and floors.
  ///
  /// @param tierMax requests that wait in one tier
  /// @param tenantMax requests of one tenant that wait in one tier
  /// @param floors by tier: the part of all tokens that it gets while it waits, 0 to less than 1,
  ///   together less than 1
  public record Settings(int tierMax, int tenantMax, List<Double> floors) {
    /// The upper tiers need none; background and harvest never stand still.
    public static final Settings USUAL =
        new Settings(1_024, 256, List.of(0.0, 0.0, 0.1, 0.02, 0.01));

    public Settings {
      floors = List.copyOf(floors);
      double sum = floors.stream().mapToDouble(Double::doubleValue).sum();
      if (tierMax < 1
          || tenantMax < 1
          || floors.size() != TIERS
          || floors.stream().anyMatch(floor -> floor < 0)
          || sum >= 1) {
        throw new IllegalArgumentException(
            "tierMax "
                + tierMax
                + ", tenantMax "
                + tenantMax
                + ", floors "
                + floors
                + " (expected: 1 or more each, and "
                + TIERS
                + " floors that sum to less than 1)");
      }
    }
  }

  /// What became of an offer.
  public enum Offer {
    WAITS,
    TIER_FULL,
    TENANT_FULL
  }

  /// What is taken.
  ///
  /// @param rank the tier whose places it may have: its own, or, when its floor has earned the
  ///   turn, the highest in which somebody waits
  public record Taken<T>(ServiceTier tier, String tenant, T item, ServiceTier rank) {}

  /// Whether there is a place for something.
  public enum Found {
    /// There is, and it has it now.
    PLACE,
    /// Not for this one; perhaps for others.
    NOT_FOR_THIS,
    /// Enough was asked for this tenant; perhaps for others.
    NOT_FOR_ITS_TENANT,
    /// Enough was asked for all: the search ends here. The next vain one goes on from here, so that
    /// whoever comes last is asked for, too.
    ENOUGH
  }

  /// Looks for the place of what is next.
  @FunctionalInterface
  public interface Places<T> {
    /// @param rank as of `Taken`
    Found find(T item, ServiceTier rank);
  }

  private record Waiting<T>(T item, long inputTokens) {}

  private static final class Flow<T> {
    final String tenant;
    final ArrayDeque<Waiting<T>> queue = new ArrayDeque<>(4);
    int weight = 1;
    long counter;

    Flow(String tenant) {
      this.tenant = tenant;
    }
  }

  private static final class Band<T> {
    final Map<String, Flow<T>> flows = new HashMap<>();
    final List<Flow<T>> backlogged = new ArrayList<>();
    int size;
    long lastServed;
    double earned;
  }

  private final Settings settings;
  private final List<Band<T>> bands = new ArrayList<>(TIERS);
  private int resumeTier; // where the next search goes on, if the last one was ended
  private @Nullable String resumeBehind;

  public FairQueue(Settings settings) {
    this.settings = settings;
    for (int i = 0; i < TIERS; i++) {
      bands.add(new Band<>());
    }
  }

  /// Puts a request behind the others of its tenant.
  ///
  /// @param weight 1 to `WEIGHT_MAX`; the last one said holds for all of the tenant's in this tier
  public Offer offer(ServiceTier tier, String tenant, int weight, long inputTokens, T item) {
    if (weight < 1 || weight > WEIGHT_MAX || inputTokens < 0) {
      throw new IllegalArgumentException(
          "weight "
              + weight
              + ", inputTokens "
              + inputTokens
              + " (expected: 1 to "
              + WEIGHT_MAX
              + ", 0 or more)");
    }
    Band<T> band = bands.get(tier.ordinal());
    if (band.size >= settings.tierMax()) {
      return Offer.TIER_FULL;
    }
    Flow<T> flow = band.flows.computeIfAbsent(tenant, Flow::new);
    if (flow.queue.size() >= settings.tenantMax()) {
      return Offer.TENANT_FULL;
    }
    if (flow.queue.isEmpty()) {
      long floor = band.lastServed;
      if (!band.backlogged.isEmpty()) {
        floor = least(band).counter;
      }
      flow.counter = Math.max(flow.counter, floor);
      band.backlogged.add(flow);
    }
    flow.weight = weight;
    flow.queue.add(new Waiting<>(item, inputTokens));
    band.size++;
    return Offer.WAITS;
  }

  /// The next one, or null when nobody waits.
  public @Nullable Taken<T> take() {
    return take((item, rank) -> Found.PLACE);
  }

  /// The first in order for which there is a place, or null. Of one tenant, what came first is
  /// asked for first; who is passed over keeps its turn.
  public @Nullable Taken<T> take(Places<T> places) {
    int highest = -1;
    int earner = -1;
    for (int tier = 0; tier < TIERS; tier++) {
      Band<T> band = bands.get(tier);
      if (band.size == 0) {
        continue;
      }
      if (highest < 0) {
        highest = tier;
      } else if (earner < 0 && band.earned > 0 && band.earned >= headTokens(band)) {
        earner = tier;
      }
    }
    if (highest < 0) {
      return null;
    }
    var search = new Search<>(places);
    Taken<T> found = earner < 0 ? null : take(earner, TIER[highest], search);
    for (int tier = highest; tier < TIERS && found == null && !search.over; tier++) {
      found = take(tier, TIER[tier], search);
    }
    resumeTier = search.over ? search.tier : 0;
    resumeBehind = search.over ? search.tenant : null;
    return found;
  }

  /// One walk over those who wait.
  private static final class Search<T> {
    final Places<T> places;
    boolean over;
    int tier; // where it was over
    @Nullable String tenant;

    Search(Places<T> places) {
      this.places = places;
    }
  }

  private @Nullable Taken<T> take(int tier, ServiceTier rank, Search<T> search) {
    Band<T> band = bands.get(tier);
    if (band.size == 0) {
      return null;
    }
    Flow<T> first = least(band);
    Taken<T> found = take(tier, first, rank, search);
    if (found != null || search.over || band.backlogged.size() == 1 || tier < resumeTier) {
      return found;
    }
    var others = new ArrayList<>(band.backlogged);
    others.remove(first);
    others.sort(Comparator.comparingLong(flow -> flow.counter));
    for (int i = begin(tier, others); i < others.size() && found == null && !search.over; i++) {
      found = take(tier, others.get(i), rank, search);
    }
    return found;
  }

  /// Behind the tenant at which the last search was ended.
  private int begin(int tier, List<Flow<T>> flows) {
    if (tier == resumeTier && resumeBehind != null) {
      for (int i = 0; i < flows.size(); i++) {
        if (flows.get(i).tenant.equals(resumeBehind)) {
          return i + 1;
        }
      }
    }
    return 0;
  }

  private @Nullable Taken<T> take(int tier, Flow<T> flow, ServiceTier rank, Search<T> search) {
    for (Iterator<Waiting<T>> waiting = flow.queue.iterator(); waiting.hasNext(); ) {
      Waiting<T> next = waiting.next();
      switch (search.places.find(next.item(), rank)) {
        case PLACE -> {
          waiting.remove();
          Band<T> band = bands.get(tier);
          left(band, flow, 1);
          charge(band, flow, next.inputTokens() * INPUT_WEIGHT);
          earn(tier, next.inputTokens() * INPUT_WEIGHT);
          return new Taken<>(TIER[tier], flow.tenant, next.item(), rank);
        }
        case ENOUGH -> {
          search.over = true;
          search.tier = tier;
          search.tenant = flow.tenant;
          return null;
        }
        case NOT_FOR_ITS_TENANT -> {
          return null;
        }
        case NOT_FOR_THIS -> {}
      }
    }
    return null;
  }

  /// So many of a tenant's wait no longer.
  private static <T> void left(Band<T> band, Flow<T> flow, int count) {
    band.size -= count;
    if (flow.queue.isEmpty()) {
      band.backlogged.remove(flow);
    }
  }

  /// Tells of tokens that a request taken from here has produced.
  public void produced(ServiceTier tier, String tenant, long tokens) {
    Band<T> band = bands.get(tier.ordinal());
    Flow<T> flow = band.flows.get(tenant);
    if (flow != null) {
      charge(band, flow, tokens * OUTPUT_WEIGHT);
      earn(tier.ordinal(), tokens * OUTPUT_WEIGHT);
    }
  }

  /// Takes out something that waits no longer, such as a client that closed its connection or whose
  /// time is over; false when it does not wait.
  public boolean remove(ServiceTier tier, String tenant, T item) {
    Band<T> band = bands.get(tier.ordinal());
    Flow<T> flow = band.flows.get(tenant);
    if (flow == null || !flow.queue.removeIf(waiting -> waiting.item().equals(item))) {
      return false;
    }
    left(band, flow, 1);
    return true;
  }

  /// Forgets tenants that do not wait and would be lifted anyway, so that memory holds the active
  /// ones only. Call it now and then.
  public void tidy() {
    for (Band<T> band : bands) {
      long floor = band.backlogged.isEmpty() ? band.lastServed : least(band).counter;
      band.flows.values().removeIf(flow -> flow.queue.isEmpty() && flow.counter <= floor);
    }
  }

  /// How many wait in a tier.
  public int waiting(ServiceTier tier) {
    return bands.get(tier.ordinal()).size;
  }

  /// How many wait.
  public int waiting() {
    int sum = 0;
    for (Band<T> band : bands) {
      sum += band.size;
    }
    return sum;
  }

  private static <T> void charge(Band<T> band, Flow<T> flow, long service) {
    flow.counter += service * SCALE / flow.weight;
    band.lastServed = flow.counter;
  }

  private void earn(int by, long tokens) {
    for (int tier = 0; tier < TIERS; tier++) {
      Band<T> band = bands.get(tier);
      if (tier == by) {
        band.earned = Math.max(0, band.earned - tokens * (1 - settings.floors().get(tier)));
      } else if (band.size > 0) {
        band.earned += tokens * settings.floors().get(tier);
      } else {
        band.earned = 0;
      }
    }
  }

  private static <T> long headTokens(Band<T> band) {
    Waiting<T> head = least(band).queue.peek();
    return head == null ? 0 : head.inputTokens() * INPUT_WEIGHT;
  }

  private static <T> Flow<T> least(Band<T> band) {
    Flow<T> least = band.backlogged.getFirst();
    for (int i = 1; i < band.backlogged.size(); i++) {
      Flow<T> other = band.backlogged.get(i);
      if (other.counter < least.counter) {
        least = other;
      }
    }
    return least;
  }

  @Override
  public String toString() {
    return "FairQueue" + Arrays.toString(bands.stream().mapToInt(band -> band.size).toArray());
  }
}
