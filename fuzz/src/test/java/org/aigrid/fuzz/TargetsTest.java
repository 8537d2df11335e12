package org.aigrid.fuzz;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.SplittableRandom;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

/// Strangers may send what they like. A short run of what `./grid fuzz` runs for as long as asked.
class TargetsTest {
  private static final int SECONDS = 12;
  private static final int PLANTED_SECONDS = 20;
  private static final int BYTES_MAX = 2_048;

  @ParameterizedTest(name = "{0}")
  @EnumSource
  void noSeedAndNoBentSeedIsAFinding(Target target) {
    var random = new SplittableRandom(target.ordinal());
    for (byte[] seed : Seeds.of(target)) {
      target.run(seed);
      for (int i = 0; i < 200; i++) {
        target.run(bent(seed, random));
      }
    }
    target.run(new byte[0]);
  }

  @Test
  void nothingIsFoundInAShortRunOverAllTargets(@TempDir Path folder) throws Exception {
    var seeds = new ArrayList<byte[]>();
    for (Target target : Target.values()) {
      for (byte[] seed : Seeds.of(target)) {
        var longer = new byte[seed.length + 1];
        longer[0] = (byte) target.ordinal();
        System.arraycopy(seed, 0, longer, 1, seed.length);
        seeds.add(longer);
      }
    }
    FuzzRun.Result result =
        new FuzzRun(AllTargets.class, folder, SECONDS, BYTES_MAX).run(seeds, false);
    assertThat(result.exitCode()).as(result.output()).isZero();
    assertThat(result.output()).contains("stat::number_of_executed_units");
  }

  @Test
  void thePlantedMistakeIsFound(@TempDir Path folder) throws Exception {
    FuzzRun.Result result =
        new FuzzRun(PlantedTarget.class, folder, PLANTED_SECONDS, 64).run(List.of(), false);
    assertThat(result.exitCode()).as(result.output()).isEqualTo(77);
    assertThat(result.output()).contains("the planted mistake");
    assertThatThrownBy(() -> PlantedTarget.fuzzerTestOneInput(new byte[] {'g', 'r', 'i', 'd', '!'}))
        .isInstanceOf(Finding.class);
  }

  /// One to three changes.
  private static byte[] bent(byte[] seed, SplittableRandom random) {
    byte[] bytes = seed.clone();
    for (int n = 1 + random.nextInt(3); n > 0 && bytes.length > 1; n--) {
      int at = random.nextInt(bytes.length);
      switch (random.nextInt(4)) {
        case 0 -> bytes[at] ^= (byte) (1 << random.nextInt(8));
        case 1 -> bytes[at] = (byte) random.nextInt(256);
        case 2 -> bytes = java.util.Arrays.copyOf(bytes, at);
        default -> bytes[at] = bytes[random.nextInt(bytes.length)];
      }
    }
    return bytes;
  }
}
