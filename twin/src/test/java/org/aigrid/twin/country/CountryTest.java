package org.aigrid.twin.country;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.regex.Pattern;
import org.aigrid.core.model.Tier;
import org.junit.jupiter.api.Assumptions;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class CountryTest {
  private static final Japan.Size SMALL = new Japan.Size(500, 1e6, "RTX PRO 6000", 94, 20);

  @TempDir Path folder;

  @Test
  void whatIsWrittenIsReadAgain() throws IOException {
    Country country = MadeUpCountry.of(60, 4);
    CountryFolder.write(country, folder);
    Country again = CountryFolder.read(folder);
    assertThat(again.name()).isEqualTo(country.name().replace(',', ';'));
    assertThat(again.regions()).isEqualTo(country.regions());
    assertThat(again.roundTrips()).isEqualTo(country.roundTrips());
    assertThat(again.places()).hasSameSizeAs(country.places());
    for (int i = 0; i < again.places().size(); i++) {
      Country.Place a = again.places().get(i);
      Country.Place b = country.places().get(i);
      assertThat(a.spec().id()).isEqualTo(b.spec().id());
      assertThat(a.spec().endpoints()).isEqualTo(b.spec().endpoints());
      assertThat(a.spec().position().distanceKm(b.spec().position())).isLessThan(0.01);
      assertThat(a.residents()).isEqualTo(b.residents());
    }
  }

  @Test
  void mistakesNameFileLineAndWhatWasExpected() throws IOException {
    assertThatThrownBy(() -> CountryFolder.read(folder.resolve("none")))
        .hasMessageContaining("country.csv is missing");
    CountryFolder.write(MadeUpCountry.of(30, 1), folder);
    breakIt(
        "RTX PRO 6000,1,64", "RTX 9000,1,64", "line 6: accelerator 'RTX 9000' (expected: one of");
    breakIt(",cell,", ",tower,", "line 6, column tier: 'tower' (expected: hub, regional or cell)");
    breakIt(
        ",64\n", ",sixty\n", "column sequences: 'sixty' (expected: a number from 1.0 to 8192.0)");
    breakIt(",west,", ",north,", "lies in region north (expected: one of west, middle, east)");
    breakIt(",replicas,", ",copies,", "column replicas is missing");
    breakIt("cell-2,", "cell-0,", "expected: rows of one site together");
  }

  private void breakIt(String from, String to, String expected) throws IOException {
    Path file = folder.resolve("endpoints.csv");
    String whole = Files.readString(file);
    Files.writeString(file, whole.replaceFirst(Pattern.quote(from), to));
    assertThatThrownBy(() -> CountryFolder.read(folder)).hasMessageContaining(expected);
    Files.writeString(file, whole);
  }

  @Test
  void aRegionalCentreLessIsTheLeastCrowdedAndOneMoreStandsAmidThePeople() {
    Country country = MadeUpCountry.of(60, 4);
    assertThat(country.withRegionalCentres(0)).isSameAs(country);
    assertThat(country.withRegionalCentres(-1).count(Tier.REGIONAL)).isEqualTo(2);
    Country more = country.withRegionalCentres(1);
    assertThat(more.count(Tier.REGIONAL)).isEqualTo(4);
    Country.Place added = more.places().getLast();
    Country.Place first =
        country.places().stream()
            .filter(p -> p.spec().tier() == Tier.REGIONAL)
            .filter(p -> p.spec().region().equals(added.spec().region()))
            .findFirst()
            .orElseThrow();
    assertThat(added.spec().position().distanceKm(first.spec().position())).isGreaterThan(1);
    assertThatThrownBy(() -> country.withRegionalCentres(-9)).hasMessageContaining("expected");
  }

  @Test
  void japanIsMadeFromItsTables() throws IOException {
    writeTables();
    Country japan = Japan.of(folder, SMALL, 1);
    assertThat(japan.count(Tier.CELL)).isEqualTo(500);
    assertThat(japan.count(Tier.HUB)).isEqualTo(4);
    assertThat(japan.regions().stream().map(Country.Region::name))
        .containsExactly("Tokyo", "Osaka");
    double people = japan.places().stream().mapToDouble(Country.Place::residents).sum();
    assertThat(people).isBetween(0.999e6, 1.001e6);
    // A city that also stands there by its wards counts once, and cells follow the stations.
    assertThat(japan.places()).noneMatch(place -> place.municipality().equals("大阪市"));
    long north = japan.places().stream().filter(p -> p.municipality().equals("大阪市 北区")).count();
    long chuo = japan.places().stream().filter(p -> p.municipality().equals("中央区")).count();
    assertThat((double) chuo / (north - 1)).isBetween(2.8, 3.2);
    assertThat(Japan.of(folder, SMALL, 1).sites()).isEqualTo(japan.sites());
    assertThat(Japan.of(folder, SMALL, 2).sites()).isNotEqualTo(japan.sites());
  }

  private void writeTables() throws IOException {
    Files.writeString(
        folder.resolve("prefecture-population-2020.csv"),
        "prefecture_code,prefecture,population\n13,東京都,14000000\n27,大阪府,8800000\n");
    Files.writeString(
        folder.resolve("municipalities.csv"),
        "code,prefecture,name,lat,lon\n"
            + "131024,東京都,中央区,35.67,139.77\n"
            + "271004,大阪府,大阪市,34.69,135.50\n"
            + "271276,大阪府,大阪市 北区,34.70,135.51\n");
    Files.writeString(
        folder.resolve("base-stations-by-municipality.csv"),
        "\uFEFFcode,prefecture,name,stations\n131024,東京都,中央区,300\n271276,大阪府,大阪市 北区,100\n");
  }

  @Test
  void aMissingOrBrokenTableIsNamed() throws IOException {
    assertThatThrownBy(() -> Japan.of(folder.resolve("none"), SMALL, 1))
        .hasMessageContaining("prefecture-population-2020.csv is missing")
        .hasMessageContaining("with data in the scenario");
    writeTables();
    Files.writeString(
        folder.resolve("municipalities.csv"), "code,prefecture,name,lat,lon\n1,東京都,x,95,139\n");
    assertThatThrownBy(() -> Japan.of(folder, SMALL, 1))
        .hasMessageContaining("municipalities.csv, line 2, column lat: '95'");
  }

  @Test
  void theRealTablesGiveTwoHundredThousandCells() throws IOException {
    Path data = Path.of(System.getProperty("grid.root", "..")).resolve("../shared/data/japan");
    Assumptions.assumeTrue(
        Files.isDirectory(data), "the public tables of Japan do not lie beside the project");
    Country japan = Japan.of(data, new Japan.Size(200_000, 55e6, "RTX PRO 6000", 2_000, 4_000), 1);
    assertThat(japan.count(Tier.CELL)).isEqualTo(200_000);
    assertThat(japan.count(Tier.REGIONAL)).isEqualTo(47);
    assertThat(japan.places()).allMatch(p -> p.spec().position().latitudeDegrees() > 20);
  }
}
