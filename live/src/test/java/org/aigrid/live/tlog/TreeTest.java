package org.aigrid.live.tlog;

import static org.assertj.core.api.Assertions.assertThat;

import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.HexFormat;
import java.util.List;
import java.util.Map;
import java.util.SplittableRandom;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/// The Merkle tree against published roots and against the recursive definition of RFC 6962.
class TreeTest {
  /// Leaves and roots that Certificate Transparency's own tests use.
  private static final List<String> LEAVES =
      List.of(
          "",
          "00",
          "10",
          "2021",
          "3031",
          "40414243",
          "5051525354555657",
          "606162636465666768696a6b6c6d6e6f");

  private static final List<String> ROOTS =
      List.of(
          "6e340b9cffb37a989ca544e6bb780a2c78901d3fb33738768511a30617afa01d",
          "fac54203e7cc696cf0dfcb42c92a1d9dbaf70ad9e621f4bd8d98662f00e3c125",
          "aeb6bcfe274b70a14fb067a5e5578264db0fa9b51af5e0ba159158f329e06e77",
          "d37ee418976dd95753c1c73862b9398fa2a2cf9b4ff0fdfe8b30cd95209614b7",
          "4e3bbb1f7b478dcfe71fb631631519a3bca12c9aefca1612bfce4c13a86264d4",
          "76e67dadbcdf1e10e1b74ddc608abd2f98dfb16fbce75277b5232a127f2087ef",
          "ddb89be403809e325750d3d263cd78929c2942b7942a34b77e122c9594a74c8c",
          "5dc9da79a70659a9ad559cb701ded9a2ab9d823aad2f4960cfe370eff4604328");

  @Test
  void theEmptyTreeHasTheHashOfNothing() {
    assertThat(HexFormat.of().formatHex(new Frontier().root().bytes()))
        .isEqualTo("e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855");
  }

  @Test
  void rootsAreThePublishedOnes() {
    var frontier = new Frontier();
    for (int i = 0; i < LEAVES.size(); i++) {
      frontier.add(Hash.ofLeaf(HexFormat.of().parseHex(LEAVES.get(i))));
      assertThat(HexFormat.of().formatHex(frontier.root().bytes())).isEqualTo(ROOTS.get(i));
    }
  }

  static List<byte[]> leaves(int count, SplittableRandom random) {
    var leaves = new ArrayList<byte[]>();
    for (int i = 0; i < count; i++) {
      leaves.add((i + " " + random.nextLong()).getBytes(StandardCharsets.UTF_8));
    }
    return leaves;
  }

  /// The tiles of a tree, as a log writes them.
  static Map<Tile, byte[]> tiles(List<byte[]> leaves) {
    var tiles = new HashMap<Tile, byte[]>();
    List<Hash> row = leaves.stream().map(Hash::ofLeaf).toList();
    for (int level = 0; !row.isEmpty(); level++) {
      var above = new ArrayList<Hash>();
      for (int from = 0; from < row.size(); from += Tile.WIDTH) {
        List<Hash> part = row.subList(from, Math.min(from + Tile.WIDTH, row.size()));
        tiles.put(new Tile(level, from / Tile.WIDTH, part.size()), Tiles.ofHashes(part));
        if (part.size() == Tile.WIDTH) {
          above.add(Tiles.root(part));
        }
      }
      row = above;
    }
    return tiles;
  }

  static TiledNodes nodes(List<byte[]> leaves) {
    Map<Tile, byte[]> tiles = tiles(leaves);
    return new TiledNodes(
        leaves.size(),
        tile -> {
          byte[] bytes = tiles.get(tile);
          if (bytes == null) {
            throw new IllegalStateException("no " + tile);
          }
          return bytes;
        });
  }

  @ParameterizedTest(name = "seed {0}")
  @ValueSource(ints = {1, 2, 3, 4, 5, 6, 7, 8})
  void proofsAreThoseOfTheDefinitionAndHold(int seed) {
    var random = new SplittableRandom(seed);
    int size = 1 + random.nextInt(seed % 2 == 0 ? 40 : 1_500);
    List<byte[]> leaves = leaves(size, random);
    TiledNodes nodes = nodes(leaves);
    Hash root = NaiveTree.root(leaves);
    assertThat(TreeProofs.root(size, nodes)).isEqualTo(root);
    assertThat(Frontier.of(size, nodes).root()).isEqualTo(root);
    for (int round = 0; round < 40; round++) {
      int index = random.nextInt(size);
      List<Hash> path = TreeProofs.inclusion(index, size, nodes);
      Hash leaf = Hash.ofLeaf(leaves.get(index));
      assertThat(path).isEqualTo(NaiveTree.path(index, leaves));
      assertThat(TreeProofs.includes(index, size, leaf, path, root)).isTrue();
      assertThat(TreeProofs.includes(index ^ 1, size, leaf, path, root)).isFalse();
      assertThat(TreeProofs.includes(index, size + 1L, leaf, path, root) && path.isEmpty())
          .isFalse();

      int old = random.nextInt(size + 1);
      Hash oldRoot = NaiveTree.root(leaves.subList(0, old));
      List<Hash> proof = TreeProofs.consistency(old, size, nodes);
      assertThat(proof).isEqualTo(NaiveTree.proof(old, leaves));
      assertThat(TreeProofs.consistent(old, oldRoot, size, root, proof)).isTrue();
      Hash forked = Hash.ofLeaf(new byte[] {(byte) round});
      assertThat(TreeProofs.consistent(old, forked, size, root, proof)).isFalse();
      assertThat(TreeProofs.consistent(old, oldRoot, size, forked, proof) && old > 0).isFalse();
    }
  }

  @ParameterizedTest(name = "seed {0}")
  @ValueSource(ints = {11, 12, 13, 14})
  void aProofThatWasChangedAnywhereFails(int seed) {
    var random = new SplittableRandom(seed);
    int size = 3 + random.nextInt(300);
    List<byte[]> leaves = leaves(size, random);
    TiledNodes nodes = nodes(leaves);
    Hash root = NaiveTree.root(leaves);
    int index = random.nextInt(size);
    int old = 1 + random.nextInt(size - 1);
    List<Hash> path = TreeProofs.inclusion(index, size, nodes);
    List<Hash> proof = TreeProofs.consistency(old, size, nodes);
    Hash oldRoot = NaiveTree.root(leaves.subList(0, old));
    for (List<Hash> changed : changed(path)) {
      assertThat(TreeProofs.includes(index, size, Hash.ofLeaf(leaves.get(index)), changed, root))
          .isFalse();
    }
    for (List<Hash> changed : changed(proof)) {
      assertThat(TreeProofs.consistent(old, oldRoot, size, root, changed)).isFalse();
    }
  }

  private static List<List<Hash>> changed(List<Hash> proof) {
    var all = new ArrayList<List<Hash>>();
    for (int i = 0; i < proof.size(); i++) {
      var other = new ArrayList<>(proof);
      other.set(i, Hash.OF_EMPTY_TREE);
      all.add(other);
      var shorter = new ArrayList<>(proof);
      shorter.remove(i);
      all.add(shorter);
    }
    var longer = new ArrayList<>(proof);
    longer.add(Hash.OF_EMPTY_TREE);
    all.add(longer);
    return all;
  }
}
