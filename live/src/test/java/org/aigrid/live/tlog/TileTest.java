package org.aigrid.live.tlog;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.SplittableRandom;
import java.util.stream.Collectors;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/// Names of tiles, and how many a tree has.
class TileTest {
  @Test
  void anIndexIsWrittenInGroupsOfThree() {
    assertThat(new Tile(0, 1_234_067, 256).path()).isEqualTo("tile/0/x001/x234/067");
    assertThat(new Tile(1, 5, 17).path()).isEqualTo("tile/1/005.p/17");
    assertThat(new Tile(Tile.ENTRIES, 0, 1).path()).isEqualTo("tile/entries/000.p/1");
    assertThat(new Tile(0, 1_000, 256).path()).isEqualTo("tile/0/x001/000");
  }

  @Test
  void aTreeOf70000HasTheTilesOfTheSpecificationsExample() {
    Map<Integer, List<Tile>> levels =
        Tile.all(70_000).stream().collect(Collectors.groupingBy(Tile::level));
    assertThat(levels.keySet()).containsExactlyInAnyOrder(Tile.ENTRIES, 0, 1, 2);
    assertThat(levels.get(0)).hasSize(274);
    assertThat(Objects.requireNonNull(levels.get(0)).getLast()).isEqualTo(new Tile(0, 273, 112));
    assertThat(levels.get(1)).containsExactly(new Tile(1, 0, 256), new Tile(1, 1, 17));
    assertThat(levels.get(2)).containsExactly(new Tile(2, 0, 1));
  }

  @Test
  void aTreeOf256HasOneFullTileAndOneHashAboveIt() {
    assertThat(Tile.all(256))
        .containsExactly(new Tile(Tile.ENTRIES, 0, 256), new Tile(0, 0, 256), new Tile(1, 0, 1));
    assertThat(Tile.all(0)).isEmpty();
  }

  @ParameterizedTest(name = "seed {0}")
  @ValueSource(ints = {1, 2, 3})
  void everyNameIsReadBack(int seed) {
    var random = new SplittableRandom(seed);
    for (int i = 0; i < 2_000; i++) {
      var tile =
          new Tile(
              random.nextInt(-1, 64),
              random.nextLong(1L << random.nextInt(1, 50)),
              1 + random.nextInt(256));
      assertThat(Tile.parse(tile.path())).isEqualTo(tile);
    }
  }

  @ParameterizedTest
  @ValueSource(
      strings = {
        "tile/0/1", "tile/00/001", "tile/64/001", "tile/0/x000/001", "tile/0/001.p/256",
        "tile/0/001.p/0", "tile/0/001.p/01", "tile/entries", "tile/0/../001", "tile/-1/001",
        "tile/0/x001", "tile//001", "tile/0/001/", "tile/0/001.p/", "tile/0/x1/001",
        "tile/0/x999/x999/x999/x999/x999/x999/x999/x999/999"
      })
  void otherSpellingsAreNoTiles(String path) {
    assertThatThrownBy(() -> Tile.parse(path)).isInstanceOf(FormatException.class);
  }

  @Test
  void bundlesAreReadBackAndCutOnesRefused() {
    var tile = new Tile(Tile.ENTRIES, 0, 3);
    List<byte[]> entries = List.of(new byte[0], new byte[] {1}, new byte[65_535]);
    byte[] bytes = Tiles.ofEntries(entries);
    assertThat(Tiles.entries(tile, bytes)).containsExactlyElementsOf(entries);
    for (int cut : new int[] {1, 2, 4, 5, bytes.length - 1}) {
      assertThatThrownBy(() -> Tiles.entries(tile, java.util.Arrays.copyOf(bytes, cut)))
          .isInstanceOf(FormatException.class);
    }
    assertThatThrownBy(() -> Tiles.ofEntries(List.of(new byte[65_536])))
        .isInstanceOf(IllegalArgumentException.class);
  }
}
