package org.aigrid.fuzz;

import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import org.aigrid.live.tlog.Checkpoint;
import org.aigrid.live.tlog.FormatException;
import org.aigrid.live.tlog.Hash;
import org.aigrid.live.tlog.NoteKey;
import org.aigrid.live.tlog.SignedNote;
import org.aigrid.live.tlog.Tile;
import org.aigrid.live.tlog.Tiles;
import org.aigrid.live.tlog.TlogProof;
import org.aigrid.live.tlog.TreeProofs;
import org.aigrid.live.tlog.TrustPolicy;
import org.aigrid.live.tlog.UntrustedException;

/// What a log, a witness or an auditor's mail may bring: notes, checkpoints, tiles, proofs, keys
/// and policies. Each is read, and then says the same when it is written and read again, or it is
/// refused. The first byte says which it is.
public final class LogTarget {
  private static final NoteKey KEY =
      NoteKey.parse("PeterNeumann+c74f20a3+ARpc2QcUPDhMQegwxbzhKqiBfsVkmqq/LDE4izWy10TW");

  /// Kinds of input.
  public static final int KINDS = 10;

  private LogTarget() {}

  /// Called by the fuzzer.
  public static void fuzzerTestOneInput(byte[] input) {
    if (input.length < 1) {
      return;
    }
    byte[] bytes = Arrays.copyOfRange(input, 1, input.length);
    String text = new String(bytes, StandardCharsets.UTF_8);
    try {
      switch (Math.floorMod(input[0], KINDS)) {
        case 0 -> {
          SignedNote note = SignedNote.parse(bytes);
          Finding.unlessEqual("a note", note, SignedNote.parse(note.format()));
          Finding.unless(note.signersAmong(List.of(KEY)).size() <= 1, "signers of one key");
        }
        case 1 -> {
          Checkpoint checkpoint = Checkpoint.parse(text);
          Finding.unlessEqual("a checkpoint", text, checkpoint.text());
        }
        case 2 -> {
          TlogProof proof = TlogProof.parse(bytes);
          Finding.unlessEqual("a proof", proof, TlogProof.parse(proof.format()));
        }
        case 3 -> {
          Tile tile = Tile.parse(text);
          Finding.unlessEqual("a tile's path", text, tile.path());
        }
        case 4 -> Finding.unlessEqual("a key", text, NoteKey.parse(text).vkey());
        case 5 -> TrustPolicy.parse(text).witnesses();
        case 6 -> {
          int width = 1 + (bytes.length == 0 ? 0 : bytes[0] & 0xFF);
          List<byte[]> entries = Tiles.entries(new Tile(Tile.ENTRIES, 0, width), bytes);
          Finding.unless(
              Arrays.equals(Tiles.ofEntries(entries), bytes), "a bundle, read and written");
        }
        case 7 -> {
          int width = Math.clamp(bytes.length / Hash.BYTES, 1, Tile.WIDTH);
          List<Hash> hashes = Tiles.hashes(new Tile(0, 0, width), bytes);
          Finding.unless(Arrays.equals(Tiles.ofHashes(hashes), bytes), "a tile, read and written");
        }
        case 8 -> includes(bytes);
        default -> consistent(bytes);
      }
    } catch (FormatException | UntrustedException e) {
      // refused, as it should be
    }
  }

  /// Nobody finds a proof for a root that is none.
  private static void includes(byte[] bytes) {
    if (bytes.length < 16) {
      return;
    }
    ByteBuffer in = ByteBuffer.wrap(bytes);
    Finding.unless(
        !TreeProofs.includes(
            in.getLong(), in.getLong(), Hash.ofLeaf(bytes), hashes(in), Hash.OF_EMPTY_TREE),
        "a proof for a root that nobody made");
  }

  private static void consistent(byte[] bytes) {
    if (bytes.length < 16) {
      return;
    }
    ByteBuffer in = ByteBuffer.wrap(bytes);
    long old = in.getLong();
    long size = in.getLong();
    boolean shown =
        TreeProofs.consistent(
            old, Hash.ofLeaf(bytes), size, Hash.ofLeaf(new byte[] {1}), hashes(in));
    Finding.unless(!shown, "a proof that other entries are the same, " + old + " in " + size);
  }

  private static List<Hash> hashes(ByteBuffer in) {
    var hashes = new ArrayList<Hash>();
    var hash = new byte[Hash.BYTES];
    while (in.remaining() >= Hash.BYTES && hashes.size() < 64) {
      in.get(hash);
      hashes.add(Hash.at(hash, 0));
    }
    return hashes;
  }
}
