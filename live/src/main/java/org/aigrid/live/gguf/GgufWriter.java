package org.aigrid.live.gguf;

import java.io.BufferedOutputStream;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.io.OutputStream;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;

/// Writes a GGUF file of version 3 with tensors of 32-bit floats. Holds everything in memory: for
/// small models. One thread.
final class GgufWriter {
  private static final int ALIGNMENT = 32;
  private static final int FLOAT32 = 0;

  private record Tensor(String name, long[] dimensions, float[] values) {}

  private final ByteArrayOutputStream metadata = new ByteArrayOutputStream();
  private final List<Tensor> tensors = new ArrayList<>();
  private int keys;

  GgufWriter text(String key, String value) {
    key(metadata, key, 8);
    string(metadata, value);
    return this;
  }

  GgufWriter u32(String key, int value) {
    key(metadata, key, 4);
    u32(metadata, value);
    return this;
  }

  GgufWriter f32(String key, float value) {
    key(metadata, key, 6);
    u32(metadata, Float.floatToIntBits(value));
    return this;
  }

  GgufWriter bool(String key, boolean value) {
    key(metadata, key, 7);
    metadata.write(value ? 1 : 0);
    return this;
  }

  GgufWriter texts(String key, List<String> values) {
    array(key, 8, values.size());
    values.forEach(value -> string(metadata, value));
    return this;
  }

  GgufWriter f32s(String key, float[] values) {
    array(key, 6, values.length);
    for (float value : values) {
      u32(metadata, Float.floatToIntBits(value));
    }
    return this;
  }

  GgufWriter i32s(String key, int[] values) {
    array(key, 5, values.length);
    for (int value : values) {
      u32(metadata, value);
    }
    return this;
  }

  /// A tensor; `dimensions` from the fastest one.
  GgufWriter tensor(String name, float[] values, long... dimensions) {
    tensors.add(new Tensor(name, dimensions, values));
    return this;
  }

  void write(Path path) throws IOException {
    var head = new ByteArrayOutputStream();
    head.writeBytes("GGUF".getBytes(StandardCharsets.US_ASCII));
    u32(head, 3);
    u64(head, tensors.size());
    u64(head, keys);
    head.writeBytes(metadata.toByteArray());
    long offset = 0;
    for (Tensor tensor : tensors) {
      string(head, tensor.name());
      u32(head, tensor.dimensions().length);
      for (long dimension : tensor.dimensions()) {
        u64(head, dimension);
      }
      u32(head, FLOAT32);
      u64(head, offset);
      offset = aligned(offset + 4L * tensor.values().length);
    }
    try (OutputStream out = new BufferedOutputStream(Files.newOutputStream(path))) {
      head.writeTo(out);
      pad(out, head.size());
      for (Tensor tensor : tensors) {
        var bytes = ByteBuffer.allocate(4 * tensor.values().length).order(ByteOrder.LITTLE_ENDIAN);
        bytes.asFloatBuffer().put(tensor.values());
        out.write(bytes.array());
        pad(out, bytes.capacity());
      }
    }
  }

  private static long aligned(long offset) {
    return Math.ceilDiv(offset, ALIGNMENT) * ALIGNMENT;
  }

  private static void pad(OutputStream out, long written) throws IOException {
    out.write(new byte[(int) (aligned(written) - written)]);
  }

  private void key(ByteArrayOutputStream out, String key, int type) {
    keys++;
    string(out, key);
    u32(out, type);
  }

  private void array(String key, int type, int length) {
    key(metadata, key, 9);
    u32(metadata, type);
    u64(metadata, length);
  }

  private static void string(ByteArrayOutputStream out, String value) {
    byte[] bytes = value.getBytes(StandardCharsets.UTF_8);
    u64(out, bytes.length);
    out.writeBytes(bytes);
  }

  private static void u32(ByteArrayOutputStream out, int value) {
    for (int shift = 0; shift < 32; shift += 8) {
      out.write(value >>> shift);
    }
  }

  private static void u64(ByteArrayOutputStream out, long value) {
    u32(out, (int) value);
    u32(out, (int) (value >>> 32));
  }
}
