package org.aigrid.twin.play;

import java.util.List;
import org.aigrid.core.model.Tier;
import org.aigrid.core.unit.GeoPoint;
import org.aigrid.twin.country.Country;
import org.jspecify.annotations.Nullable;

/// Something that happens while a country is played, by schedule. Times are milliseconds since the
/// play began.
public sealed interface Incident {
  /// When it begins.
  double fromMs();

  /// When it is over.
  double toMs();

  /// Sites die at once and come back at the end. What was inside is lost.
  ///
  /// @param sites which
  /// @param share of them, drawn by seed; 1 is all
  record SitesDown(double fromMs, double toMs, Selection sites, double share) implements Incident {}

  /// A region and the rest of the country cannot reach each other.
  record RegionCut(double fromMs, double toMs, String region) implements Incident {}

  /// Sites report only every `factor`-th time.
  record SlowHeartbeats(double fromMs, double toMs, int factor) implements Incident {}

  /// People gather and ask beside all others, and their phones load the radio of the same cells.
  ///
  /// @param perSecond requests at the height of it
  /// @param radioShare that the radio takes in addition, of each GPU there
  record Crowd(
      double fromMs,
      double toMs,
      GeoPoint centre,
      double radiusKm,
      double perSecond,
      double radioShare)
      implements Incident {}

  /// More of everything in some regions or all, such as at New Year.
  ///
  /// @param regions names; empty for all
  /// @param factor on what people ask
  /// @param radioShare that the radio takes in addition
  record Surge(double fromMs, double toMs, List<String> regions, double factor, double radioShare)
      implements Incident {
    public Surge {
      regions = List.copyOf(regions);
    }
  }

  /// How far it is on its way: 0 outside, 1 at its height, a tenth of its time rising, a tenth
  /// falling.
  default double strength(double atMs) {
    if (atMs < fromMs() || atMs >= toMs()) {
      return 0;
    }
    double edge = (toMs() - fromMs()) / 10;
    return Math.min(1, Math.min(atMs - fromMs(), toMs() - atMs) / edge);
  }

  /// Which sites: those that fulfil all that is given.
  ///
  /// @param tier or null
  /// @param region or null
  /// @param id or null
  /// @param centre or null
  /// @param radiusKm around the centre
  record Selection(
      @Nullable Tier tier,
      @Nullable String region,
      @Nullable String id,
      @Nullable GeoPoint centre,
      double radiusKm) {
    boolean covers(Country.Place place) {
      return (tier == null || place.spec().tier() == tier)
          && (region == null || place.spec().region().equals(region))
          && (id == null || place.spec().id().equals(id))
          && (centre == null || centre.distanceKm(place.spec().position()) <= radiusKm);
    }
  }
}
