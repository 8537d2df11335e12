package org.aigrid.twin.country;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.HashSet;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Set;
import java.util.SplittableRandom;
import org.aigrid.core.model.EndpointSpec;
import org.aigrid.core.model.EngineKind;
import org.aigrid.core.model.SiteSpec;
import org.aigrid.core.model.Tier;
import org.aigrid.core.route.RoundTrips;
import org.aigrid.core.unit.GeoPoint;

/// Japan, made from public tables: municipalities with their places, the census of 2020 by
/// prefecture, and the base stations that one operator has licences for in each municipality.
///
/// What is measured: where municipalities lie, how many people a prefecture has, how base stations
/// are spread over municipalities. What is assumed, because no public table says it:
///
/// - cells of a municipality stand around its office, spread log-normally with the distance that
///   the density of its stations suggests, from some 300 m in the densest wards to several km;
/// - people of a prefecture live where its base stations are, a little less steeply; they work
///   where these are, more steeply, and some work in the neighbouring prefecture with more of them;
/// - within a municipality cells see log-normally different numbers of people;
/// - each prefecture has one regional centre at its largest municipality, sized by people, and
///   there are four hubs, at Tomakomai, Tokyo, Osaka and Fukuoka.
///
/// The same for the same seed and files.
public final class Japan {
  private static final double RESIDENTS_STEEPNESS = 0.9;
  private static final double WORKERS_STEEPNESS = 1.25;
  private static final double CELL_SPREAD = 0.8;
  private static final double KM_PER_DEGREE = 111.2;

  private record Municipality(
      String code, String prefecture, String name, GeoPoint office, double stations) {}

  /// How much hardware the country has.
  ///
  /// @param cells base stations
  /// @param users of the operator; the census is scaled to them
  /// @param cellAccelerator at each base station, one of it
  /// @param regionalReplicas engines of all regional centres together, spread by people
  /// @param hubReplicas engines of all hubs together
  public record Size(
      int cells, double users, String cellAccelerator, int regionalReplicas, int hubReplicas) {
    public Size {
      if (cells < 47
          || cells > 2_000_000
          || !(users >= 1)
          || regionalReplicas < 47
          || hubReplicas < 4) {
        throw new IllegalArgumentException(
            "Japan with "
                + cells
                + " cells, "
                + users
                + " users, "
                + regionalReplicas
                + " regional and "
                + hubReplicas
                + " hub replicas (expected: 47 to 2,000,000 cells, 1 or more users, 47 or more"
                + " regional and 4 or more hub replicas)");
      }
    }
  }

  private final Path folder;
  private final Size size;
  private final SplittableRandom random;

  private Japan(Path folder, Size size, long seed) {
    this.folder = folder;
    this.size = size;
    random = new SplittableRandom(seed);
  }

  /// Makes the country.
  ///
  /// @param folder with `municipalities.csv`, `prefecture-population-2020.csv` and
  ///   `base-stations-by-municipality.csv`
  /// @throws IllegalArgumentException when a table cannot be used, with file and line
  public static Country of(Path folder, Size size, long seed) throws IOException {
    return new Japan(folder, size, seed).make(seed);
  }

  private Country make(long seed) throws IOException {
    Map<String, Double> people = new LinkedHashMap<>();
    for (CsvFile.Row row : table("prefecture-population-2020.csv")) {
      people.put(row.text("prefecture"), row.number("population", 1, 1e9));
    }
    List<Municipality> municipalities = municipalities();
    Map<String, List<Municipality>> byPrefecture = new LinkedHashMap<>();
    people.keySet().forEach(prefecture -> byPrefecture.put(prefecture, new ArrayList<>()));
    for (Municipality one : municipalities) {
      List<Municipality> list = byPrefecture.get(one.prefecture());
      if (list == null) {
        throw new IllegalArgumentException(
            folder.resolve("municipalities.csv")
                + ": prefecture "
                + one.prefecture()
                + " of "
                + one.name()
                + " (expected: one that prefecture-population-2020.csv names)");
      }
      list.add(one);
    }
    var regions = new ArrayList<Country.Region>();
    var places = new ArrayList<Country.Place>();
    addHubs(places);
    double all = people.values().stream().mapToDouble(Double::doubleValue).sum();
    byPrefecture.forEach(
        (prefecture, list) -> {
          Municipality capital = largest(list);
          regions.add(
              new Country.Region(
                  romanised(prefecture),
                  capital.office().latitudeDegrees(),
                  capital.office().longitudeDegrees()));
          double share = people.getOrDefault(prefecture, 0.0) / all;
          places.add(regionalCentre(prefecture, capital, share));
        });
    addCells(places, byPrefecture, people, all);
    return new Country(
        "Japan, " + size.cells() + " base stations",
        regions,
        places,
        RoundTrips.DEFAULT,
        0.2,
        "synthesised with seed "
            + seed
            + " from municipalities (code4fukui/localgovjp, CC0), the census of 2020 (MIC) and one"
            + " operator's licensed base stations by municipality (MIC register)");
  }

  private Iterable<CsvFile.Row> table(String name) throws IOException {
    Path file = folder.resolve(name);
    if (!Files.isRegularFile(file)) {
      throw new IllegalArgumentException(
          file
              + " is missing (expected: the folder with municipalities.csv,"
              + " prefecture-population-2020.csv and base-stations-by-municipality.csv; name the"
              + " folder above it with data in the scenario, or play a country of your own with"
              + " country.folder)");
    }
    return CsvFile.read(file);
  }

  /// All places once: of a city that also stands there by its wards, the wards.
  private List<Municipality> municipalities() throws IOException {
    Map<String, Double> stations = new HashMap<>();
    for (CsvFile.Row row : table("base-stations-by-municipality.csv")) {
      stations.merge(row.text("code"), row.number("stations", 0, 1e6), Double::sum);
    }
    var rows = new ArrayList<Municipality>();
    Set<String> citiesWithWards = new HashSet<>();
    for (CsvFile.Row row : table("municipalities.csv")) {
      String name = row.text("name");
      String prefecture = row.text("prefecture");
      int space = name.indexOf(' ');
      if (space > 0) {
        citiesWithWards.add(prefecture + name.substring(0, space));
      }
      rows.add(
          new Municipality(
              row.text("code"),
              prefecture,
              name,
              new GeoPoint(row.number("lat", -90, 90), row.number("lon", -180, 180)),
              Math.max(1, stations.getOrDefault(row.text("code"), 0.0))));
    }
    rows.removeIf(row -> citiesWithWards.contains(row.prefecture() + row.name()));
    return rows;
  }

  private static Municipality largest(List<Municipality> list) {
    Municipality largest = list.getFirst();
    for (Municipality one : list) {
      largest = one.stations() > largest.stations() ? one : largest;
    }
    return largest;
  }

  private void addHubs(List<Country.Place> places) {
    record Hub(String id, String name, double latitude, double longitude, double share) {}
    var hubs =
        List.of(
            new Hub("hub-tomakomai", "Tomakomai", 42.634, 141.605, 0.3),
            new Hub("hub-tokyo", "Tokyo", 35.62, 139.74, 0.35),
            new Hub("hub-osaka", "Osaka", 34.56, 135.47, 0.25),
            new Hub("hub-fukuoka", "Fukuoka", 33.59, 130.42, 0.1));
    for (Hub hub : hubs) {
      int replicas = (int) Math.max(1, Math.round(size.hubReplicas() * hub.share()));
      places.add(
          new Country.Place(
              new SiteSpec(
                  hub.id(),
                  hub.name(),
                  Tier.HUB,
                  "hub",
                  new GeoPoint(hub.latitude(), hub.longitude()),
                  "JP",
                  "operator",
                  List.of(
                      endpoint("llama-3.1-8b", "B200", Math.max(1, replicas / 10), 256),
                      endpoint("llama-3.1-70b-fp8", "B200", Math.max(1, replicas / 2), 128))),
              hub.name(),
              0,
              0));
    }
  }

  private static EndpointSpec endpoint(
      String model, String accelerator, int replicas, int sequences) {
    return new EndpointSpec(
        Known.model(model),
        EngineKind.EMULATED,
        Known.accelerator(accelerator),
        replicas,
        sequences);
  }

  private Country.Place regionalCentre(String prefecture, Municipality capital, double share) {
    int replicas = (int) Math.max(1, Math.round(size.regionalReplicas() * share));
    return new Country.Place(
        new SiteSpec(
            "regional-" + romanised(prefecture).toLowerCase(Locale.ROOT),
            prefecture,
            Tier.REGIONAL,
            romanised(prefecture),
            capital.office(),
            "JP",
            "operator",
            List.of(
                endpoint("llama-3.1-8b", "H200", Math.max(1, replicas / 2), 256),
                endpoint("llama-3.1-70b-fp8", "H200", Math.max(1, replicas / 2), 128))),
        capital.name(),
        0,
        0);
  }

  /// Cells by stations, to the exact number by largest remainders.
  private void addCells(
      List<Country.Place> places,
      Map<String, List<Municipality>> byPrefecture,
      Map<String, Double> people,
      double all) {
    var list = new ArrayList<Municipality>();
    byPrefecture.values().forEach(list::addAll);
    int[] cells = apportion(list.stream().mapToDouble(Municipality::stations).toArray());
    double scale = size.users() / all;
    Map<String, Double> workersOf = workers(byPrefecture, people);
    int number = 0;
    int at = 0;
    EndpointSpec endpoint = endpoint("llama-3.1-8b", size.cellAccelerator(), 1, 64);
    List<EndpointSpec> endpoints = List.of(endpoint);
    for (Map.Entry<String, List<Municipality>> entry : byPrefecture.entrySet()) {
      List<Municipality> own = entry.getValue();
      double residentWeights = weights(own, RESIDENTS_STEEPNESS);
      double workerWeights = weights(own, WORKERS_STEEPNESS);
      for (Municipality one : own) {
        double residents =
            scale
                * people.getOrDefault(entry.getKey(), 0.0)
                * Math.pow(one.stations(), RESIDENTS_STEEPNESS)
                / residentWeights;
        double workers =
            scale
                * workersOf.getOrDefault(entry.getKey(), 0.0)
                * Math.pow(one.stations(), WORKERS_STEEPNESS)
                / workerWeights;
        number = addCells(places, one, cells[at++], residents, workers, number, endpoints);
      }
    }
  }

  private int addCells(
      List<Country.Place> places,
      Municipality one,
      int count,
      double residents,
      double workers,
      int firstNumber,
      List<EndpointSpec> endpoints) {
    double[] home = lognormal(count);
    double[] work = lognormal(count);
    // The more stations an office has around it, the closer they stand.
    double spreadKm = Math.clamp(40 / Math.sqrt(one.stations()), 1.5, 12);
    for (int i = 0; i < count; i++) {
      double km = spreadKm * Math.sqrt(-Math.log(1 - random.nextDouble())) / 1.5;
      double angle = 2 * Math.PI * random.nextDouble();
      double latitude = one.office().latitudeDegrees() + km * Math.sin(angle) / KM_PER_DEGREE;
      double longitude =
          one.office().longitudeDegrees()
              + km
                  * Math.cos(angle)
                  / (KM_PER_DEGREE * Math.cos(Math.toRadians(one.office().latitudeDegrees())));
      String id = "cell-" + one.code() + "-" + (i + 1);
      places.add(
          new Country.Place(
              new SiteSpec(
                  id,
                  id,
                  Tier.CELL,
                  romanised(one.prefecture()),
                  new GeoPoint(latitude, longitude),
                  "JP",
                  "operator",
                  endpoints),
              one.name(),
              residents * home[i],
              workers * work[i]));
    }
    return firstNumber + count;
  }

  /// Shares that sum to 1.
  private double[] lognormal(int count) {
    double[] shares = new double[count];
    double sum = 0;
    for (int i = 0; i < count; i++) {
      shares[i] = Math.exp(CELL_SPREAD * random.nextGaussian());
      sum += shares[i];
    }
    for (int i = 0; i < count; i++) {
      shares[i] /= sum;
    }
    return shares;
  }

  /// People at work by prefecture: as many as live in the country, by base stations.
  private static Map<String, Double> workers(
      Map<String, List<Municipality>> byPrefecture, Map<String, Double> people) {
    Map<String, Double> workers = new HashMap<>();
    double all = 0;
    double weights = 0;
    for (Map.Entry<String, Double> entry : people.entrySet()) {
      all += entry.getValue();
      weights += Math.pow(entry.getValue(), 1.03);
    }
    for (Map.Entry<String, Double> entry : people.entrySet()) {
      if (!byPrefecture.getOrDefault(entry.getKey(), List.of()).isEmpty()) {
        workers.put(entry.getKey(), all * Math.pow(entry.getValue(), 1.03) / weights);
      }
    }
    return workers;
  }

  private static double weights(List<Municipality> list, double steepness) {
    return list.stream().mapToDouble(one -> Math.pow(one.stations(), steepness)).sum();
  }

  private int[] apportion(double[] weights) {
    double sum = 0;
    for (double weight : weights) {
      sum += weight;
    }
    int[] counts = new int[weights.length];
    int given = 0;
    var order = new ArrayList<Integer>();
    double[] rest = new double[weights.length];
    for (int i = 0; i < weights.length; i++) {
      double exact = size.cells() * weights[i] / sum;
      counts[i] = (int) exact;
      rest[i] = exact - counts[i];
      given += counts[i];
      order.add(i);
    }
    order.sort((a, b) -> Double.compare(rest[b], rest[a]));
    for (int i = 0; given < size.cells(); i++, given++) {
      counts[order.get(i)]++;
    }
    return counts;
  }

  /// Hepburn, as on the road signs.
  private static String romanised(String prefecture) {
    return ROMAN.getOrDefault(prefecture, prefecture);
  }

  private static final Map<String, String> ROMAN = roman();

  private static Map<String, String> roman() {
    String[] pairs = {
      "北海道", "Hokkaido", "青森県", "Aomori", "岩手県", "Iwate", "宮城県", "Miyagi", "秋田県", "Akita",
      "山形県", "Yamagata", "福島県", "Fukushima", "茨城県", "Ibaraki", "栃木県", "Tochigi", "群馬県", "Gunma",
      "埼玉県", "Saitama", "千葉県", "Chiba", "東京都", "Tokyo", "神奈川県", "Kanagawa", "新潟県", "Niigata",
      "富山県", "Toyama", "石川県", "Ishikawa", "福井県", "Fukui", "山梨県", "Yamanashi", "長野県", "Nagano",
      "岐阜県", "Gifu", "静岡県", "Shizuoka", "愛知県", "Aichi", "三重県", "Mie", "滋賀県", "Shiga",
      "京都府", "Kyoto", "大阪府", "Osaka", "兵庫県", "Hyogo", "奈良県", "Nara", "和歌山県", "Wakayama",
      "鳥取県", "Tottori", "島根県", "Shimane", "岡山県", "Okayama", "広島県", "Hiroshima", "山口県", "Yamaguchi",
      "徳島県", "Tokushima", "香川県", "Kagawa", "愛媛県", "Ehime", "高知県", "Kochi", "福岡県", "Fukuoka",
      "佐賀県", "Saga", "長崎県", "Nagasaki", "熊本県", "Kumamoto", "大分県", "Oita", "宮崎県", "Miyazaki",
      "鹿児島県", "Kagoshima", "沖縄県", "Okinawa"
    };
    Map<String, String> roman = new HashMap<>();
    for (int i = 0; i < pairs.length; i += 2) {
      roman.put(pairs[i], pairs[i + 1]);
    }
    return Map.copyOf(roman);
  }
}
