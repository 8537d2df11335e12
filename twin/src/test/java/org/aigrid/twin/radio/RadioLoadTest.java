package org.aigrid.twin.radio;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import org.aigrid.twin.demand.DayShape;
import org.assertj.core.data.Percentage;
import org.junit.jupiter.api.Test;

class RadioLoadTest {
  private static RadioLoad.Settings settings(double mean, double excursions) {
    return new RadioLoad.Settings(
        mean, 0.5, 0.4, 300_000, excursions, DayShape.FLAT, DayShape.FLAT);
  }

  private static double meanShare(RadioLoad radio, int cells, int samples) {
    double sum = 0;
    for (int cell = 0; cell < cells; cell++) {
      for (int i = 0; i < samples; i++) {
        double share = radio.share(cell, 0.3, i * 97_000.0, 0);
        assertThat(share).isBetween(0.0, 1.0);
        sum += share;
      }
    }
    return sum / cells / samples;
  }

  @Test
  void overManyCellsTheMeanIsTheOneAskedFor() {
    assertThat(meanShare(new RadioLoad(settings(0.15, 0), 1), 2_000, 50))
        .isCloseTo(0.15, Percentage.withPercentage(5));
    assertThat(meanShare(new RadioLoad(RadioLoad.Settings.NONE, 1), 10, 10)).isZero();
  }

  @Test
  void minutesApartLoadIsAlikeAndAnHourApartItIsNot() {
    var radio = new RadioLoad(settings(0.2, 0), 5);
    assertThat(correlation(radio, 60_000)).isGreaterThan(0.75);
    assertThat(Math.abs(correlation(radio, 3_600_000))).isLessThan(0.1);
  }

  /// Of the logarithm within cells, after `lagMs`.
  private static double correlation(RadioLoad radio, double lagMs) {
    double products = 0;
    double squares = 0;
    for (int cell = 0; cell < 400; cell++) {
      double mean = 0;
      for (int i = 0; i < 100; i++) {
        mean += Math.log(radio.share(cell, 0, i * 1_111_000.0, 0)) / 100;
      }
      for (int i = 0; i < 100; i++) {
        double a = Math.log(radio.share(cell, 0, i * 1_111_000.0, 0)) - mean;
        double b = Math.log(radio.share(cell, 0, i * 1_111_000.0 + lagMs, 0)) - mean;
        products += a * b;
        squares += a * a;
      }
    }
    return products / squares;
  }

  @Test
  void excursionsAreRareAndSteepAndEventsComeOnTop() {
    var radio = new RadioLoad(settings(0.05, 0.02), 9);
    int steep = 0;
    for (int i = 0; i < 20_000; i++) {
      steep += radio.share(i, 0, 300_000.0 * (i % 50), 0) >= 0.5 ? 1 : 0;
    }
    assertThat(steep / 20_000.0).isBetween(0.015, 0.025);
    double alone = radio.share(3, 0, 1_000, 0);
    assertThat(radio.share(3, 0, 1_000, 0.4)).isEqualTo(Math.min(1, alone + 0.4));
    assertThat(radio.share(3, 0, 1_000, 5)).isEqualTo(1);
  }

  @Test
  void itCanBeAskedInAnyOrderAndDependsOnTheSeed() {
    var radio = new RadioLoad(settings(0.2, 0.01), 1);
    double first = radio.share(7, 0.5, 1_234_567, 0);
    radio.share(8, 0.5, 99, 0);
    assertThat(radio.share(7, 0.5, 1_234_567, 0)).isEqualTo(first);
    assertThat(new RadioLoad(settings(0.2, 0.01), 2).share(7, 0.5, 1_234_567, 0))
        .isNotEqualTo(first);
    assertThatThrownBy(() -> settings(1.5, 0)).hasMessageContaining("expected");
  }
}
