package org.aigrid.live.tlog;

import java.nio.ByteBuffer;
import java.util.Arrays;

/// One signature line of a note: who says to have signed, and the bytes. Immutable.
///
/// @param name of the key
/// @param id of the key
/// @param bytes behind the id; their meaning depends on the key's type
public record NoteSignature(String name, int id, byte[] bytes) {
  public NoteSignature {
    bytes = bytes.clone();
  }

  @Override
  public byte[] bytes() {
    return bytes.clone();
  }

  boolean by(NoteKey key) {
    return id == key.id() && name.equals(key.name());
  }

  /// The line, with its newline.
  public String line() {
    byte[] all = ByteBuffer.allocate(Integer.BYTES + bytes.length).putInt(id).put(bytes).array();
    return "\u2014 " + name + " " + Base64s.encode(all) + "\n";
  }

  /// Reads a line without its newline.
  public static NoteSignature parse(String line) {
    String[] parts = line.split(" ", -1);
    if (parts.length != 3 || !parts[0].equals("\u2014")) {
      throw new FormatException(
          "signature line '" + Base64s.shown(line) + "' (expected: '\u2014 NAME BASE64')");
    }
    NoteKey.checkName(parts[1], "key name");
    byte[] all = Base64s.decode(parts[2], "signature");
    if (all.length <= Integer.BYTES) {
      throw new FormatException(
          "signature of "
              + Base64s.shown(parts[1])
              + ": "
              + all.length
              + " bytes (expected: a key id of 4 and a signature)");
    }
    return new NoteSignature(
        parts[1], ByteBuffer.wrap(all).getInt(), Arrays.copyOfRange(all, 4, all.length));
  }

  @Override
  public boolean equals(Object other) {
    return other instanceof NoteSignature that
        && id == that.id
        && name.equals(that.name)
        && Arrays.equals(bytes, that.bytes);
  }

  @Override
  public int hashCode() {
    return 31 * id + Arrays.hashCode(bytes);
  }

  @Override
  public String toString() {
    return line().strip();
  }
}
