package org.aigrid.twin.country;

import java.io.BufferedWriter;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import org.aigrid.core.model.EndpointSpec;
import org.aigrid.core.model.EngineKind;
import org.aigrid.core.model.SiteSpec;
import org.aigrid.core.model.Tier;
import org.aigrid.core.route.RoundTrips;
import org.aigrid.core.unit.GeoPoint;

/// A country as a folder of plain files that spreadsheets and scripts can read and write:
///
/// - `country.csv`: `key,value` with `name`, `source`, `jitter_ms` and the figures of `RoundTrips`;
/// - `regions.csv`: `name,latitude,longitude`;
/// - `endpoints.csv`: a row for each model that a site serves, base stations included:
///   `site,name,tier,region,municipality,latitude,longitude,jurisdiction,operator,residents,workers,`
///   `model,accelerator,replicas,sequences`. Rows of one site stand together; what is said of the
///   site is taken from its first.
public final class CountryFolder {
  private static final String ENDPOINTS_HEADER =
      "site,name,tier,region,municipality,latitude,longitude,jurisdiction,operator,residents,workers,"
          + "model,accelerator,replicas,sequences";

  private CountryFolder() {}

  /// Reads a country.
  ///
  /// @throws IllegalArgumentException for anything that is wrong, with file and line
  public static Country read(Path folder) throws IOException {
    for (String name : List.of("country.csv", "regions.csv", "endpoints.csv")) {
      if (!Files.isRegularFile(folder.resolve(name))) {
        throw new IllegalArgumentException(
            folder.resolve(name)
                + " is missing (expected: a folder with country.csv, regions.csv and endpoints.csv;"
                + " `grid twin country` writes one to start from)");
      }
    }
    Map<String, CsvFile.Row> facts = new LinkedHashMap<>();
    for (CsvFile.Row row : CsvFile.read(folder.resolve("country.csv"))) {
      facts.put(row.text("key"), row);
    }
    var regions = new ArrayList<Country.Region>();
    for (CsvFile.Row row : CsvFile.read(folder.resolve("regions.csv"))) {
      regions.add(
          new Country.Region(
              row.text("name"),
              row.number("latitude", -90, 90),
              row.number("longitude", -180, 180)));
    }
    RoundTrips otherwise = RoundTrips.DEFAULT;
    var roundTrips =
        new RoundTrips(
            fact(facts, "fibre_ms_per_km", otherwise.fibreMsPerKm()),
            fact(facts, "path_factor", otherwise.pathFactor()),
            fact(facts, "same_site_ms", otherwise.sameSiteMs()),
            fact(facts, "cell_hop_ms", otherwise.cellHopMs()),
            fact(facts, "regional_hop_ms", otherwise.regionalHopMs()),
            fact(facts, "hub_hop_ms", otherwise.hubHopMs()),
            fact(facts, "unknown_origin_ms", otherwise.unknownOriginMs()));
    CsvFile.Row name = facts.get("name");
    CsvFile.Row source = facts.get("source");
    return new Country(
        name == null ? folder.getFileName().toString() : name.text("value"),
        regions,
        places(folder.resolve("endpoints.csv")),
        roundTrips,
        fact(facts, "jitter_ms", 0),
        source == null ? folder.toString() : source.text("value"));
  }

  private static double fact(Map<String, CsvFile.Row> facts, String key, double otherwise) {
    CsvFile.Row row = facts.get(key);
    return row == null ? otherwise : row.number("value", 0, 10_000);
  }

  private static List<Country.Place> places(Path file) throws IOException {
    var places = new ArrayList<Country.Place>();
    Map<String, Integer> lineOfSite = new LinkedHashMap<>();
    List<CsvFile.Row> rows = CsvFile.read(file);
    for (int i = 0; i < rows.size(); ) {
      CsvFile.Row first = rows.get(i);
      String id = first.text("site");
      Integer before = lineOfSite.put(id, first.line());
      if (before != null) {
        throw first.wrong("site", "rows of one site together; it began on line " + before);
      }
      var endpoints = new ArrayList<EndpointSpec>();
      for (; i < rows.size() && rows.get(i).text("site").equals(id); i++) {
        endpoints.add(endpoint(rows.get(i)));
      }
      places.add(place(first, endpoints));
    }
    return places;
  }

  private static EndpointSpec endpoint(CsvFile.Row row) {
    try {
      return new EndpointSpec(
          Known.model(row.text("model")),
          EngineKind.EMULATED,
          Known.accelerator(row.text("accelerator")),
          (int) row.number("replicas", 1, 100_000),
          (int) row.number("sequences", 1, 8_192));
    } catch (IllegalArgumentException wrong) {
      throw in(row, wrong);
    }
  }

  private static Country.Place place(CsvFile.Row row, List<EndpointSpec> endpoints) {
    Tier tier =
        switch (row.text("tier")) {
          case "hub" -> Tier.HUB;
          case "regional" -> Tier.REGIONAL;
          case "cell" -> Tier.CELL;
          default -> throw row.wrong("tier", "hub, regional or cell");
        };
    try {
      return new Country.Place(
          new SiteSpec(
              row.text("site"),
              row.text("name"),
              tier,
              row.text("region"),
              new GeoPoint(row.number("latitude", -90, 90), row.number("longitude", -180, 180)),
              row.text("jurisdiction"),
              row.text("operator"),
              endpoints),
          row.text("municipality"),
          row.number("residents", 0, 1e9),
          row.number("workers", 0, 1e9));
    } catch (IllegalArgumentException wrong) {
      throw in(row, wrong);
    }
  }

  private static IllegalArgumentException in(CsvFile.Row row, IllegalArgumentException wrong) {
    String said = String.valueOf(wrong.getMessage());
    return said.startsWith(row.file().toString())
        ? wrong
        : new IllegalArgumentException(row.file() + ", line " + row.line() + ": " + said, wrong);
  }

  /// Writes a country; the folder is made when it is missing.
  public static void write(Country country, Path folder) throws IOException {
    Files.createDirectories(folder);
    RoundTrips trips = country.roundTrips();
    Files.writeString(
        folder.resolve("country.csv"),
        "key,value\n"
            + ("name," + plain(country.name()) + "\n")
            + ("source," + plain(country.source()) + "\n")
            + ("jitter_ms," + country.jitterMs() + "\n")
            + ("fibre_ms_per_km," + trips.fibreMsPerKm() + "\n")
            + ("path_factor," + trips.pathFactor() + "\n")
            + ("same_site_ms," + trips.sameSiteMs() + "\n")
            + ("cell_hop_ms," + trips.cellHopMs() + "\n")
            + ("regional_hop_ms," + trips.regionalHopMs() + "\n")
            + ("hub_hop_ms," + trips.hubHopMs() + "\n")
            + ("unknown_origin_ms," + trips.unknownOriginMs() + "\n"));
    var regions = new StringBuilder("name,latitude,longitude\n");
    for (Country.Region region : country.regions()) {
      regions.append(
          String.format(
              Locale.ROOT,
              "%s,%.5f,%.5f\n",
              region.name(),
              region.latitudeDegrees(),
              region.longitudeDegrees()));
    }
    Files.writeString(folder.resolve("regions.csv"), regions);
    try (BufferedWriter out =
        Files.newBufferedWriter(folder.resolve("endpoints.csv"), StandardCharsets.UTF_8)) {
      out.write(ENDPOINTS_HEADER + "\n");
      for (Country.Place place : country.places()) {
        for (EndpointSpec endpoint : place.spec().endpoints()) {
          out.write(row(place, endpoint));
        }
      }
    }
  }

  private static String row(Country.Place place, EndpointSpec endpoint) {
    SiteSpec spec = place.spec();
    return String.format(
        Locale.ROOT,
        "%s,%s,%s,%s,%s,%.5f,%.5f,%s,%s,%.1f,%.1f,%s,%s,%d,%d\n",
        spec.id(),
        plain(spec.name()),
        spec.tier().name().toLowerCase(Locale.ROOT),
        spec.region(),
        plain(place.municipality()),
        spec.position().latitudeDegrees(),
        spec.position().longitudeDegrees(),
        spec.jurisdiction(),
        spec.operator(),
        place.residents(),
        place.workers(),
        endpoint.model().name(),
        endpoint.accelerator().name(),
        endpoint.replicas(),
        endpoint.sequencesMax());
  }

  private static String plain(String text) {
    return text.replace(',', ';').replace('\n', ' ');
  }
}
