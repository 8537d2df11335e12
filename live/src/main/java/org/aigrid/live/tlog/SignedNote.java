package org.aigrid.live.tlog;

import java.nio.ByteBuffer;
import java.nio.charset.CharacterCodingException;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.Collection;
import java.util.List;

/// A text with signatures below it (C2SP `signed-note`). Immutable.
///
/// Bounds: `BYTES_MAX` of the whole note and `SIGNATURES_MAX` lines; beyond, it is refused.
///
/// @param text what is signed; ends with a newline
/// @param signatures at least one
public record SignedNote(String text, List<NoteSignature> signatures) {
  public static final int BYTES_MAX = 512 << 10;
  public static final int SIGNATURES_MAX = 64;

  public SignedNote {
    signatures = List.copyOf(signatures);
    if (!text.endsWith("\n") || text.length() < 2) {
      throw new FormatException(
          "note text '" + Base64s.shown(text) + "' (expected: lines that end with a newline)");
    }
    if (text.codePoints().anyMatch(c -> c != '\n' && Character.isISOControl(c))) {
      throw new FormatException("note text has control characters (expected: newlines only)");
    }
    if (signatures.isEmpty() || signatures.size() > SIGNATURES_MAX) {
      throw new FormatException(
          "note with " + signatures.size() + " signatures (expected: 1 to " + SIGNATURES_MAX + ")");
    }
  }

  /// Reads a note.
  public static SignedNote parse(byte[] bytes) {
    return parse(textOf(bytes, BYTES_MAX, "note"));
  }

  /// Reads a note.
  public static SignedNote parse(String note) {
    if (note.length() > BYTES_MAX) {
      throw new FormatException(
          "note of " + note.length() + " characters (expected: at most " + BYTES_MAX + ")");
    }
    int gap = note.lastIndexOf("\n\n");
    if (gap < 0 || !note.endsWith("\n") || gap + 2 >= note.length()) {
      throw new FormatException(
          "note '" + Base64s.shown(note) + "' (expected: text, an empty line, signature lines)");
    }
    String[] lines = note.substring(gap + 2, note.length() - 1).split("\n", -1);
    if (lines.length > SIGNATURES_MAX) {
      throw new FormatException(
          "note with " + lines.length + " signatures (expected: 1 to " + SIGNATURES_MAX + ")");
    }
    var signatures = new ArrayList<NoteSignature>();
    for (String line : lines) {
      signatures.add(NoteSignature.parse(line));
    }
    return new SignedNote(note.substring(0, gap + 1), signatures);
  }

  /// Strict UTF-8.
  static String textOf(byte[] bytes, int bytesMax, String what) {
    if (bytes.length > bytesMax) {
      throw new FormatException(
          what + " of " + bytes.length + " bytes (expected: at most " + bytesMax + ")");
    }
    try {
      return StandardCharsets.UTF_8.newDecoder().decode(ByteBuffer.wrap(bytes)).toString();
    } catch (CharacterCodingException e) {
      throw new FormatException(what + " is not UTF-8");
    }
  }

  /// The note as it is sent and stored.
  public String format() {
    var note = new StringBuilder(text).append('\n');
    signatures.forEach(signature -> note.append(signature.line()));
    return note.toString();
  }

  public byte[] bytes() {
    return format().getBytes(StandardCharsets.UTF_8);
  }

  /// This note with more signatures; of one key the newest stays. Beyond the bound the added ones
  /// are left out.
  public SignedNote with(Collection<NoteSignature> more) {
    var all = new ArrayList<>(signatures);
    for (NoteSignature one : more) {
      all.removeIf(old -> old.id() == one.id() && old.name().equals(one.name()));
      if (all.size() < SIGNATURES_MAX) {
        all.add(one);
      }
    }
    return new SignedNote(text, all);
  }

  /// The known keys that signed, without regard to unknown ones. A known key's signature that
  /// fails, or none of a known key, is an `UntrustedException`.
  public List<NoteKey> signers(Collection<NoteKey> known) {
    List<NoteKey> signers = signersAmong(known);
    if (signers.isEmpty()) {
      throw new UntrustedException(
          "the note of '"
              + Base64s.shown(text.lines().findFirst().orElse(""))
              + "' has no signature of a known key (it has: "
              + names()
              + ")");
    }
    return signers;
  }

  /// As `signers`, and empty when no known key has signed.
  public List<NoteKey> signersAmong(Collection<NoteKey> known) {
    var signers = new ArrayList<NoteKey>();
    for (NoteSignature signature : signatures) {
      for (NoteKey key : known) {
        if (!signature.by(key)) {
          continue;
        }
        if (!key.signed(text, signature.bytes())) {
          throw new UntrustedException(
              "the signature of "
                  + key.name()
                  + " ("
                  + key.type().algorithm()
                  + ") on the note does not fit: the text or the signature was changed");
        }
        if (!signers.contains(key)) {
          signers.add(key);
        }
      }
    }
    return signers;
  }

  private String names() {
    return String.join(", ", signatures.stream().map(NoteSignature::name).distinct().toList());
  }
}
