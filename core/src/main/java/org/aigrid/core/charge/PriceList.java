package org.aigrid.core.charge;

import java.util.HashMap;
import java.util.List;
import java.util.Map;
import org.aigrid.core.model.ServiceTier;
import org.jspecify.annotations.Nullable;

/// The prices that hold at one moment, by model and service tier. Immutable; a look-up is one hash.
///
/// The closest line holds: of this model and tier, else of this model in any tier, else of any
/// model in this tier, else of any model. Without a line there is no price, and what has no price
/// is not sold.
public final class PriceList {
  /// In the place of a model: any.
  public static final String ANY_MODEL = "*";

  /// One line.
  ///
  /// @param id names the line in records and exports
  /// @param model as clients name it, or `ANY_MODEL`
  /// @param tier null: any
  public record Line(String id, String model, @Nullable ServiceTier tier, Price price) {}

  private static final int TIERS = ServiceTier.values().length;

  private final Map<String, @Nullable Line[]> byModel;
  private final @Nullable Line[] ofAny;

  /// Of two lines for the same model and tier the later one in the list holds.
  public PriceList(List<Line> lines) {
    var exact = new HashMap<String, @Nullable Line[]>();
    for (Line line : lines) {
      int slot = line.tier() == null ? TIERS : line.tier().ordinal();
      exact.computeIfAbsent(line.model(), _ -> new @Nullable Line[TIERS + 1])[slot] = line;
    }
    ofAny = resolve(exact.get(ANY_MODEL), new @Nullable Line[TIERS]);
    byModel = HashMap.newHashMap(exact.size());
    exact.forEach((model, own) -> byModel.put(model, resolve(own, ofAny)));
  }

  /// A list with one price for everything.
  public static PriceList of(Price price) {
    return new PriceList(List.of(new Line("flat", ANY_MODEL, null, price)));
  }

  private static @Nullable Line[] resolve(
      @Nullable Line @Nullable [] own, @Nullable Line[] otherwise) {
    var lines = new @Nullable Line[TIERS];
    for (int tier = 0; tier < TIERS; tier++) {
      Line line = own == null ? null : own[tier] != null ? own[tier] : own[TIERS];
      lines[tier] = line != null ? line : otherwise[tier];
    }
    return lines;
  }

  /// The line that holds, or null when this is not sold.
  public @Nullable Line of(String model, ServiceTier tier) {
    @Nullable Line[] lines = byModel.getOrDefault(model, ofAny);
    return lines[tier.ordinal()];
  }
}
