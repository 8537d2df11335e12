package org.aigrid.core.view;

import java.util.ArrayList;
import java.util.Arrays;
import java.util.Collection;
import java.util.Collections;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import org.aigrid.core.engine.EngineProfile;
import org.aigrid.core.engine.EngineProfiles;
import org.aigrid.core.engine.StepModel;
import org.aigrid.core.model.EndpointSpec;
import org.aigrid.core.model.ModelSpec;
import org.aigrid.core.model.SiteSpec;
import org.aigrid.core.model.Tier;
import org.aigrid.core.unit.GeoPoint;
import org.jspecify.annotations.Nullable;

/// Who is in the grid: the static columns of all registered sites and endpoints.
///
/// Sites and endpoints have dense indices that stay the same as sites join, change or leave: a site
/// that leaves keeps its index and serves nothing, a site that comes back under its id gets its
/// index again, and a site whose endpoints change gets a fresh run of endpoint indices. Immutable,
/// safe to share. About 150 bytes a site beside its record; building 200,000 sites takes about a
/// second, nearly all of it the nearest-site lists, so the builder makes one roster for many
/// registrations.
public final class Roster {
  /// Nearest base stations that are kept for each site.
  public static final int NEIGHBOURS_MAX = 8;

  /// Jurisdictions that one grid can span: one bit each in a request's permitted set.
  public static final int JURISDICTIONS_MAX = 64;

  public static final Roster EMPTY = new Roster(List.of(), List.of(), List.of(), List.of());

  private final List<String> ids; // of all sites ever, so that who comes back keeps its index
  private final List<@Nullable SiteSpec> sites;
  private final Map<String, Integer> siteByEntry;
  private final Map<String, Integer> modelByName = new HashMap<>();
  private final List<ModelSpec> models = new ArrayList<>();
  private final List<String> jurisdictions = new ArrayList<>();

  // One row a site and one an endpoint. A decision looks at a dozen endpoints anywhere in the
  // country, so what it costs is counted in cache lines: the endpoint's row holds what is asked of
  // its site, too.
  private static final int SITE_INTS = 8;
  private static final int FIRST_ENDPOINT = 0;
  private static final int ENDPOINT_COUNT = 1;
  private static final int RUN_LENGTH = 2; // endpoints kept for the site, also while it is away
  private static final int PLACE = 3; // jurisdiction times 256 plus tier
  private static final int SITE_VECTOR = 4; // x, y, z, as bits of floats
  private static final int REGIONAL = 7; // site, or -1
  private static final int ENDPOINT_INTS = 8;
  private static final int SITE = 0; // -1: the endpoint is gone
  private static final int MODEL = 1;
  private static final int REPLICAS = 2;
  private static final int PROFILE = 3;
  private static final int SITE_PLACE = 4; // as PLACE
  private static final int UNIT_VECTOR = 5; // x, y, z of the site, as bits of floats
  private static final Tier[] TIERS = Tier.values();

  private final int[] siteRows;
  private final int[] endpointRows;
  private final List<EngineProfile> profiles = new ArrayList<>();

  private final double[] latitudeDegrees;
  private final double[] longitudeDegrees;
  private final double[] unitVectors; // x, y, z of each site
  private final int[] neighbours;
  private final int[] neighbourEndpoints; // the first endpoint of each of `neighbours`, or -1
  private final int[] hubs;

  private final EndpointSpec[] specOfEndpoint;
  private final int[][] endpointsOfModel;
  private final long[] jurisdictionsOfModel;
  private final double[] leastBaseMsAtCells; // by model: the fastest base station's
  private final double[] leastPrefillMsPerTokenAtCells;
  private final NearestSites allNearest;

  private Roster(
      List<String> ids,
      List<@Nullable SiteSpec> sites,
      List<EndpointSpec> endpoints,
      List<int[]> endpointRuns) {
    int siteCount = sites.size();
    this.ids = List.copyOf(ids);
    this.sites = Collections.unmodifiableList(new ArrayList<>(sites));
    siteByEntry = HashMap.newHashMap(siteCount);
    latitudeDegrees = new double[siteCount];
    longitudeDegrees = new double[siteCount];
    unitVectors = new double[3 * siteCount];
    siteRows = new int[siteCount * SITE_INTS];
    specOfEndpoint = endpoints.toArray(EndpointSpec[]::new);
    endpointRows = new int[specOfEndpoint.length * ENDPOINT_INTS];
    for (int e = 0; e < specOfEndpoint.length; e++) {
      endpointRows[e * ENDPOINT_INTS + SITE] = -1;
    }

    var jurisdictionByName = new HashMap<String, Integer>();
    for (int site = 0; site < siteCount; site++) {
      SiteSpec spec = sites.get(site);
      int[] run = endpointRuns.get(site);
      int row = site * SITE_INTS;
      siteRows[row + FIRST_ENDPOINT] = run[0];
      siteRows[row + RUN_LENGTH] = run[1];
      siteRows[row + PLACE] = Tier.CELL.ordinal();
      siteByEntry.put(ids.get(site), site);
      if (spec == null) {
        continue;
      }
      siteRows[row + ENDPOINT_COUNT] = run[1];
      int inJurisdiction =
          jurisdictionByName.computeIfAbsent(spec.jurisdiction(), this::addJurisdiction);
      siteRows[row + PLACE] = inJurisdiction << 8 | spec.tier().ordinal();
      latitudeDegrees[site] = spec.position().latitudeDegrees();
      longitudeDegrees[site] = spec.position().longitudeDegrees();
      NearestSites.unitVector(latitudeDegrees[site], longitudeDegrees[site], unitVectors, 3 * site);
      for (int axis = 0; axis < 3; axis++) {
        siteRows[row + SITE_VECTOR + axis] =
            Float.floatToRawIntBits((float) unitVectors[3 * site + axis]);
      }
      for (int e = run[0]; e < run[0] + run[1]; e++) {
        int endpointRow = e * ENDPOINT_INTS;
        endpointRows[endpointRow + SITE] = site;
        endpointRows[endpointRow + SITE_PLACE] = siteRows[row + PLACE];
        for (int axis = 0; axis < 3; axis++) {
          endpointRows[endpointRow + UNIT_VECTOR + axis] =
              Float.floatToRawIntBits((float) unitVectors[3 * site + axis]);
        }
      }
    }
    nameModels();
    endpointsOfModel = listByModel();
    jurisdictionsOfModel = jurisdictionsByModel();
    leastBaseMsAtCells = new double[models.size()];
    leastPrefillMsPerTokenAtCells = new double[models.size()];
    findFastestCells();
    hubs = sitesOf(Tier.HUB);
    allNearest = new NearestSites(present(), latitudeDegrees, longitudeDegrees);
    neighbours = nearestCells();
    neighbourEndpoints = firstEndpointsOf(neighbours);
    int[] regional = nearestRegionals();
    for (int site = 0; site < siteCount; site++) {
      siteRows[site * SITE_INTS + REGIONAL] = regional[site];
    }
  }

  /// A roster of `sites` in the given order: site 0 is the first.
  public static Roster of(Collection<SiteSpec> sites) {
    return EMPTY.with(sites);
  }

  /// This roster with `changed` sites joined, or replaced where the id is known.
  public Roster with(Collection<SiteSpec> changed) {
    return edited(changed, List.of());
  }

  /// This roster without the sites of these ids; unknown ids are ignored.
  public Roster without(Collection<String> ids) {
    return edited(List.of(), ids);
  }

  /// This roster after removals and then joins and replacements, built once.
  public Roster edited(Collection<SiteSpec> changed, Collection<String> removedIds) {
    if (changed.isEmpty() && removedIds.isEmpty()) {
      return this;
    }
    var newIds = new ArrayList<>(ids);
    var newSites = new ArrayList<@Nullable SiteSpec>(sites);
    var newEndpoints = new ArrayList<>(Arrays.asList(specOfEndpoint));
    var runs = new ArrayList<int[]>(sites.size() + changed.size());
    for (int site = 0; site < sites.size(); site++) {
      runs.add(new int[] {siteRow(site, FIRST_ENDPOINT), siteRow(site, RUN_LENGTH)});
    }
    for (String id : removedIds) {
      Integer site = siteByEntry.get(id);
      if (site != null) {
        newSites.set(site, null);
      }
    }
    var indexById = new HashMap<>(siteByEntry);
    for (SiteSpec spec : changed) {
      Integer known = indexById.get(spec.id());
      int[] run = known == null ? null : runs.get(known);
      if (run == null || !newEndpoints.subList(run[0], run[0] + run[1]).equals(spec.endpoints())) {
        run = new int[] {newEndpoints.size(), spec.endpoints().size()};
        newEndpoints.addAll(spec.endpoints());
      }
      if (known == null) {
        indexById.put(spec.id(), newSites.size());
        newIds.add(spec.id());
        newSites.add(spec);
        runs.add(run);
      } else {
        newSites.set(known, spec);
        runs.set(known, run);
      }
    }
    return new Roster(newIds, newSites, newEndpoints, runs);
  }

  public int siteCount() {
    return sites.size();
  }

  public int endpointCount() {
    return specOfEndpoint.length;
  }

  public int modelCount() {
    return models.size();
  }

  /// The site's record, or null when it has left.
  public @Nullable SiteSpec siteSpec(int site) {
    return sites.get(site);
  }

  /// Dense index of a site, or -1 when it never joined or has left.
  public int indexOfSite(String id) {
    int site = siteByEntry.getOrDefault(id, -1);
    return site >= 0 && sites.get(site) != null ? site : -1;
  }

  /// Dense index of a model, or -1.
  public int indexOfModel(String name) {
    return modelByName.getOrDefault(name, -1);
  }

  public ModelSpec modelSpec(int model) {
    return models.get(model);
  }

  public Tier tier(int site) {
    return TIERS[siteRow(site, PLACE) & 0xFF];
  }

  public double latitudeDegrees(int site) {
    return latitudeDegrees[site];
  }

  public double longitudeDegrees(int site) {
    return longitudeDegrees[site];
  }

  /// Great-circle distance between two sites. Within 0.2 % up to 7,000 km; about 3 ns.
  public double distanceKm(int siteA, int siteB) {
    return arcKm(
        unitVectors[3 * siteA] - unitVectors[3 * siteB],
        unitVectors[3 * siteA + 1] - unitVectors[3 * siteB + 1],
        unitVectors[3 * siteA + 2] - unitVectors[3 * siteB + 2]);
  }

  /// Great-circle distance from a site to an endpoint's, to within a metre or 0.2 % up to 7,000 km.
  public double distanceToEndpointKm(int site, int endpoint) {
    return arcKm(
        siteAxis(site, 0) - axis(endpoint, 0),
        siteAxis(site, 1) - axis(endpoint, 1),
        siteAxis(site, 2) - axis(endpoint, 2));
  }

  /// The arc over chord c is 2 asin(c / 2) = c (1 + c^2 / 24 + 3 c^4 / 640 + ...).
  private static double arcKm(double dx, double dy, double dz) {
    double square = dx * dx + dy * dy + dz * dz;
    return GeoPoint.EARTH_RADIUS_KM
        * Math.sqrt(square)
        * (1 + square / 24 + 3 * square * square / 640);
  }

  private double axis(int endpoint, int axis) {
    return Float.intBitsToFloat(endpointRow(endpoint, UNIT_VECTOR + axis));
  }

  private double siteAxis(int site, int axis) {
    return Float.intBitsToFloat(siteRow(site, SITE_VECTOR + axis));
  }

  private int siteRow(int site, int column) {
    return siteRows[site * SITE_INTS + column];
  }

  private int endpointRow(int endpoint, int column) {
    return endpointRows[endpoint * ENDPOINT_INTS + column];
  }

  /// The site's jurisdiction as one bit of a permitted set.
  public long jurisdictionBit(int site) {
    return 1L << (siteRow(site, PLACE) >>> 8);
  }

  /// The bits of those names that occur in this grid; a name that does not occur permits nothing.
  public long jurisdictionBits(Collection<String> names) {
    long bits = 0;
    for (String name : names) {
      int index = jurisdictions.indexOf(name);
      bits |= index < 0 ? 0 : 1L << index;
    }
    return bits;
  }

  /// First endpoint of a site; its others follow.
  public int firstEndpoint(int site) {
    return siteRow(site, FIRST_ENDPOINT);
  }

  /// One past the last endpoint of a site.
  public int endpointsEnd(int site) {
    return siteRow(site, FIRST_ENDPOINT) + siteRow(site, ENDPOINT_COUNT);
  }

  /// Site of an endpoint, or -1 when the endpoint is gone.
  public int siteOf(int endpoint) {
    return endpointRow(endpoint, SITE);
  }

  public int modelOf(int endpoint) {
    return endpointRow(endpoint, MODEL);
  }

  public EndpointSpec endpointSpec(int endpoint) {
    return specOfEndpoint[endpoint];
  }

  /// Tier of an endpoint's site.
  public Tier tierOfEndpoint(int endpoint) {
    return TIERS[endpointRow(endpoint, SITE_PLACE) & 0xFF];
  }

  /// `jurisdictionBit` of an endpoint's site.
  public long jurisdictionBitOfEndpoint(int endpoint) {
    return 1L << (endpointRow(endpoint, SITE_PLACE) >>> 8);
  }

  /// Replicas behind an endpoint.
  public int replicas(int endpoint) {
    return endpointRow(endpoint, REPLICAS);
  }

  /// Profile of one replica of an endpoint.
  public EngineProfile profile(int endpoint) {
    return profiles.get(endpointRow(endpoint, PROFILE));
  }

  /// The endpoint of `model` at `site`, or -1.
  public int endpointOf(int site, int model) {
    int end = endpointsEnd(site);
    for (int e = firstEndpoint(site); e < end; e++) {
      if (modelOf(e) == model) {
        return e;
      }
    }
    return -1;
  }

  /// The endpoint of `model` at the `i`-th nearest base station, or -1.
  public int endpointOfNeighbour(int site, int i, int model) {
    int first = neighbourEndpoints[NEIGHBOURS_MAX * site + i];
    if (first < 0) {
      return -1;
    }
    int neighbour = siteOf(first);
    for (int e = first; e < specOfEndpoint.length && siteOf(e) == neighbour; e++) {
      if (modelOf(e) == model) {
        return e;
      }
    }
    return -1;
  }

  /// How many endpoints serve a model.
  public int endpointCountOfModel(int model) {
    return endpointsOfModel[model].length;
  }

  /// The `i`-th endpoint that serves a model, in order of index.
  public int endpointOfModel(int model, int i) {
    return endpointsOfModel[model][i];
  }

  /// Jurisdictions in which a model is served at all.
  public long jurisdictionBitsOfModel(int model) {
    return jurisdictionsOfModel[model];
  }

  /// Time to compute a prompt at an idle base station, were it the fastest that serves the model;
  /// infinite when none does. Chunks and replicas aside, so no base station takes less.
  public double leastPrefillMsAtCells(int model, int tokens) {
    return leastBaseMsAtCells[model] + leastPrefillMsPerTokenAtCells[model] * tokens;
  }

  /// The `i`-th nearest base station of a site (0 is the nearest, the site itself is left out), or
  /// -1.
  public int neighbour(int site, int i) {
    return neighbours[NEIGHBOURS_MAX * site + i];
  }

  /// The regional site of a site's region, else the nearest regional site, or -1 when there is
  /// none.
  public int regionalOf(int site) {
    return siteRow(site, REGIONAL);
  }

  public int hubCount() {
    return hubs.length;
  }

  public int hub(int i) {
    return hubs[i];
  }

  /// The site nearest to a place, or -1 in an empty grid. Allocates; for start-up and slow paths.
  public int nearestSite(double latitude, double longitude) {
    int[] found = new int[1];
    return allNearest.search(latitude, longitude, -1, found) == 0 ? -1 : found[0];
  }

  private int addJurisdiction(String name) {
    if (jurisdictions.size() == JURISDICTIONS_MAX) {
      throw new IllegalArgumentException(
          "jurisdiction "
              + name
              + " is number "
              + (JURISDICTIONS_MAX + 1)
              + " in this grid (expected: at most "
              + JURISDICTIONS_MAX
              + ")");
    }
    jurisdictions.add(name);
    return jurisdictions.size() - 1;
  }

  private void nameModels() {
    var indexOfProfile = new HashMap<EndpointSpec, Integer>();
    for (int e = 0; e < specOfEndpoint.length; e++) {
      EndpointSpec spec = specOfEndpoint[e];
      Integer model = modelByName.get(spec.model().name());
      if (model == null) {
        model = models.size();
        modelByName.put(spec.model().name(), model);
        models.add(spec.model());
      }
      Integer profile = indexOfProfile.get(spec);
      if (profile == null) {
        profile = profiles.size();
        indexOfProfile.put(spec, profile);
        profiles.add(EngineProfiles.of(spec));
      }
      endpointRows[e * ENDPOINT_INTS + MODEL] = model;
      endpointRows[e * ENDPOINT_INTS + REPLICAS] = spec.replicas();
      endpointRows[e * ENDPOINT_INTS + PROFILE] = profile;
    }
  }

  private void findFastestCells() {
    Arrays.fill(leastBaseMsAtCells, Double.POSITIVE_INFINITY);
    Arrays.fill(leastPrefillMsPerTokenAtCells, Double.POSITIVE_INFINITY);
    for (int e = 0; e < specOfEndpoint.length; e++) {
      if (siteOf(e) >= 0 && tierOfEndpoint(e) == Tier.CELL) {
        StepModel step = profile(e).step();
        int model = modelOf(e);
        leastBaseMsAtCells[model] = Math.min(leastBaseMsAtCells[model], step.baseMs());
        leastPrefillMsPerTokenAtCells[model] =
            Math.min(leastPrefillMsPerTokenAtCells[model], step.prefillMsPerToken());
      }
    }
  }

  private int[][] listByModel() {
    int[] counts = new int[models.size()];
    for (int e = 0; e < specOfEndpoint.length; e++) {
      counts[modelOf(e)] += siteOf(e) >= 0 ? 1 : 0;
    }
    int[][] lists = new int[models.size()][];
    for (int model = 0; model < lists.length; model++) {
      lists[model] = new int[counts[model]];
    }
    Arrays.fill(counts, 0);
    for (int e = 0; e < specOfEndpoint.length; e++) {
      if (siteOf(e) >= 0) {
        lists[modelOf(e)][counts[modelOf(e)]++] = e;
      }
    }
    return lists;
  }

  private long[] jurisdictionsByModel() {
    long[] bits = new long[models.size()];
    for (int e = 0; e < specOfEndpoint.length; e++) {
      if (siteOf(e) >= 0) {
        bits[modelOf(e)] |= jurisdictionBit(siteOf(e));
      }
    }
    return bits;
  }

  private int[] present() {
    int[] found = new int[sites.size()];
    int count = 0;
    for (int site = 0; site < sites.size(); site++) {
      if (sites.get(site) != null) {
        found[count++] = site;
      }
    }
    return Arrays.copyOf(found, count);
  }

  private int[] sitesOf(Tier wanted) {
    int[] found = present();
    int count = 0;
    for (int site : found) {
      if (tier(site) == wanted) {
        found[count++] = site;
      }
    }
    return Arrays.copyOf(found, count);
  }

  private int[] nearestCells() {
    var cells = new NearestSites(sitesOf(Tier.CELL), latitudeDegrees, longitudeDegrees);
    int[] rows = new int[NEIGHBOURS_MAX * sites.size()];
    Arrays.fill(rows, -1);
    int[] found = new int[NEIGHBOURS_MAX];
    for (int site : present()) {
      int count = cells.search(latitudeDegrees[site], longitudeDegrees[site], site, found);
      System.arraycopy(found, 0, rows, NEIGHBOURS_MAX * site, count);
    }
    return rows;
  }

  private int[] firstEndpointsOf(int[] ofSites) {
    int[] firsts = new int[ofSites.length];
    for (int i = 0; i < ofSites.length; i++) {
      int site = ofSites[i];
      firsts[i] = site >= 0 && siteRow(site, ENDPOINT_COUNT) > 0 ? firstEndpoint(site) : -1;
    }
    return firsts;
  }

  private int[] nearestRegionals() {
    int[] regionals = sitesOf(Tier.REGIONAL);
    int[] rows = new int[sites.size()];
    Arrays.fill(rows, -1);
    if (regionals.length == 0) {
      return rows;
    }
    var anywhere = new NearestSites(regionals, latitudeDegrees, longitudeDegrees);
    var inRegion = new HashMap<String, NearestSites>();
    var byRegion = new HashMap<String, List<Integer>>();
    for (int site : regionals) {
      byRegion.computeIfAbsent(regionOf(site), r -> new ArrayList<>()).add(site);
    }
    byRegion.forEach(
        (region, list) ->
            inRegion.put(
                region,
                new NearestSites(
                    list.stream().mapToInt(Integer::intValue).toArray(),
                    latitudeDegrees,
                    longitudeDegrees)));
    int[] found = new int[1];
    for (int site : present()) {
      NearestSites search = inRegion.getOrDefault(regionOf(site), anywhere);
      search.search(latitudeDegrees[site], longitudeDegrees[site], -1, found);
      rows[site] = found[0];
    }
    return rows;
  }

  private String regionOf(int site) {
    SiteSpec spec = sites.get(site);
    return spec == null ? "" : spec.region();
  }
}
