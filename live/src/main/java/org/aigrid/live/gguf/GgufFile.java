package org.aigrid.live.gguf;

import java.io.BufferedInputStream;
import java.io.DataInputStream;
import java.io.EOFException;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.util.HashMap;
import java.util.Map;
import org.aigrid.core.model.ModelSpec;
import org.jspecify.annotations.Nullable;

/// What the header of a GGUF file (versions 2 and 3, little-endian) says: metadata without its
/// arrays, of which only the lengths are kept, and the size of its tensors. Reads the header once,
/// in a second for the largest vocabularies; holds a few kilobytes. Immutable.
///
/// Format: github.com/ggml-org/ggml, docs/gguf.md.
///
/// @param path the file
/// @param metadata single values by key: `Long`, `Double`, `Boolean` or `String`
/// @param arrayLengths lengths of array values by key
/// @param parameters elements of all tensors
/// @param expertParameters elements of tensors that hold experts, of which a token uses some
/// @param weightBytes bytes behind the header
public record GgufFile(
    Path path,
    Map<String, Object> metadata,
    Map<String, Long> arrayLengths,
    long parameters,
    long expertParameters,
    long weightBytes) {
  private static final long KEYS_MAX = 65_536;
  private static final long TENSORS_MAX = 1 << 20;
  private static final long STRING_BYTES_MAX = 16 << 20;
  private static final int DIMENSIONS_MAX = 4;
  private static final int BUFFER_BYTES = 1 << 16;
  private static final int KV_BYTES_PER_NUMBER = 2; // llama.cpp keeps the cache in half precision

  public GgufFile {
    metadata = Map.copyOf(metadata);
    arrayLengths = Map.copyOf(arrayLengths);
  }

  /// Reads the header of `path`; a file that is not a usable GGUF is a `GgufException`.
  public static GgufFile read(Path path) {
    try (var in =
        new Reader(
            path,
            new DataInputStream(
                new BufferedInputStream(Files.newInputStream(path), BUFFER_BYTES)))) {
      return in.file(Files.size(path));
    } catch (NoSuchFileException e) {
      throw new GgufException(
          "model file " + path + " does not exist (expected: a .gguf file; check the path)");
    } catch (EOFException e) {
      throw new GgufException(
          "model file "
              + path
              + " ends inside its header (expected: a whole GGUF file; download it again)");
    } catch (IOException e) {
      throw new GgufException("model file " + path + " cannot be read: " + e);
    }
  }

  /// The architecture's name, such as `llama`.
  public String architecture() {
    return text("general.architecture");
  }

  /// The template of its conversations; null when it has none.
  public @Nullable String chatTemplate() {
    return metadata.get("tokenizer.chat_template") instanceof String template ? template : null;
  }

  /// The longest context it was trained for.
  public int contextTokens() {
    return (int) Math.min(Integer.MAX_VALUE, number(architecture() + ".context_length"));
  }

  /// The model as far as serving it costs time and memory, under the name that clients use.
  public ModelSpec toModelSpec(String name) {
    String prefix = architecture() + ".";
    long layers = number(prefix + "block_count");
    long heads = number(prefix + "attention.head_count");
    long headsKv = number(prefix + "attention.head_count_kv", heads);
    long keyLength =
        number(
            prefix + "attention.key_length",
            number(prefix + "embedding_length") / Math.max(1, heads));
    long valueLength = number(prefix + "attention.value_length", keyLength);
    double used = 1;
    if (metadata.get(prefix + "expert_count") instanceof Long experts && experts > 0) {
      used = number(prefix + "expert_used_count", experts) / (double) experts;
    }
    double active = (parameters - expertParameters + used * expertParameters) / 1e9;
    long kvBytes = layers * headsKv * (keyLength + valueLength) * KV_BYTES_PER_NUMBER;
    if (active <= 0 || kvBytes < 1 || kvBytes > Integer.MAX_VALUE) {
      throw new GgufException(
          "model file "
              + path
              + ": "
              + parameters
              + " parameters, "
              + kvBytes
              + " bytes of KV cache a token (expected: a language model with attention)");
    }
    return new ModelSpec(name, active, Math.max(1, weightBytes), (int) kvBytes, contextTokens());
  }

  private String text(String key) {
    if (metadata.get(key) instanceof String value) {
      return value;
    }
    throw missing(key);
  }

  private long number(String key) {
    if (metadata.get(key) instanceof Long value && value > 0) {
      return value;
    }
    throw missing(key);
  }

  private long number(String key, long otherwise) {
    return metadata.get(key) instanceof Long value && value > 0 ? value : otherwise;
  }

  private GgufException missing(String key) {
    return new GgufException(
        "model file "
            + path
            + " does not say "
            + key
            + " (expected: a language model in GGUF; projector and adapter files do not work here)");
  }

  /// Reads one header.
  private static final class Reader implements AutoCloseable {
    private final Path path;
    private final DataInputStream in;
    private final Map<String, Object> metadata = new HashMap<>();
    private final Map<String, Long> arrayLengths = new HashMap<>();
    private long position;

    Reader(Path path, DataInputStream in) {
      this.path = path;
      this.in = in;
    }

    GgufFile file(long fileBytes) throws IOException {
      if (fileBytes < 4 || u32() != 0x46554747L) {
        throw bad("does not begin with GGUF", "a model in GGUF, not safetensors or a web page");
      }
      long version = u32();
      if (version < 2 || version > 3) {
        throw bad("has GGUF version " + version, "version 2 or 3, little-endian; convert it again");
      }
      long tensors = count(TENSORS_MAX, "tensors");
      long keys = count(KEYS_MAX, "metadata keys");
      for (long i = 0; i < keys; i++) {
        String key = string();
        value(key, u32());
      }
      long parameters = 0;
      long expertParameters = 0;
      for (long i = 0; i < tensors; i++) {
        String name = string();
        long dimensions = u32();
        if (dimensions > DIMENSIONS_MAX) {
          throw bad("gives a tensor " + dimensions + " dimensions", "at most " + DIMENSIONS_MAX);
        }
        long elements = 1;
        for (long d = 0; d < dimensions; d++) {
          elements = Math.multiplyExact(elements, count(1L << 40, "elements of a dimension"));
        }
        u32();
        u64();
        parameters += elements;
        expertParameters += name.contains("_exps") ? elements : 0;
      }
      long weights = Math.max(0, fileBytes - position);
      return new GgufFile(path, metadata, arrayLengths, parameters, expertParameters, weights);
    }

    private void value(String key, long type) throws IOException {
      switch ((int) type) {
        case 0 -> metadata.put(key, (long) u8());
        case 1 -> metadata.put(key, (long) (byte) u8());
        case 2 -> metadata.put(key, (long) (u8() | u8() << 8));
        case 3 -> metadata.put(key, (long) (short) (u8() | u8() << 8));
        case 4 -> metadata.put(key, u32());
        case 5 -> metadata.put(key, (long) (int) u32());
        case 6 -> metadata.put(key, (double) Float.intBitsToFloat((int) u32()));
        case 7 -> metadata.put(key, u8() != 0);
        case 8 -> metadata.put(key, string());
        case 9 -> array(key);
        case 10, 11 -> metadata.put(key, u64());
        case 12 -> metadata.put(key, Double.longBitsToDouble(u64()));
        default -> throw bad("has a value of unknown type " + type, "types 0 to 12");
      }
    }

    private void array(String key) throws IOException {
      long type = u32();
      long length = count(1L << 28, "elements of an array");
      arrayLengths.put(key, length);
      switch ((int) type) {
        case 0, 1, 7 -> skip(length);
        case 2, 3 -> skip(2 * length);
        case 4, 5, 6 -> skip(4 * length);
        case 10, 11, 12 -> skip(8 * length);
        case 8 -> {
          for (long i = 0; i < length; i++) {
            skip(count(STRING_BYTES_MAX, "bytes of a string"));
          }
        }
        default -> throw bad("has an array of type " + type, "numbers or strings");
      }
    }

    private String string() throws IOException {
      int length = (int) count(STRING_BYTES_MAX, "bytes of a string");
      byte[] bytes = in.readNBytes(length);
      if (bytes.length < length) {
        throw new EOFException();
      }
      position += length;
      return new String(bytes, StandardCharsets.UTF_8);
    }

    private long count(long max, String what) throws IOException {
      long count = u64();
      if (count < 0 || count > max) {
        throw bad("claims " + Long.toUnsignedString(count) + " " + what, "at most " + max);
      }
      return count;
    }

    private void skip(long bytes) throws IOException {
      in.skipNBytes(bytes);
      position += bytes;
    }

    private int u8() throws IOException {
      position++;
      return in.readUnsignedByte();
    }

    private long u32() throws IOException {
      position += 4;
      return Integer.toUnsignedLong(Integer.reverseBytes(in.readInt()));
    }

    private long u64() throws IOException {
      position += 8;
      return Long.reverseBytes(in.readLong());
    }

    private GgufException bad(String what, String expected) {
      return new GgufException("model file " + path + " " + what + " (expected: " + expected + ")");
    }

    @Override
    public void close() throws IOException {
      in.close();
    }
  }
}
