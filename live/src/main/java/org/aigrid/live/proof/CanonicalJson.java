package org.aigrid.live.proof;

import java.nio.charset.StandardCharsets;
import java.util.Collection;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import org.aigrid.live.tlog.FormatException;
import org.jspecify.annotations.Nullable;
import tools.jackson.core.JacksonException;
import tools.jackson.core.StreamReadConstraints;
import tools.jackson.core.StreamReadFeature;
import tools.jackson.core.json.JsonFactory;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.ObjectMapper;

/// JSON with exactly one spelling (RFC 8785), for what is hashed and signed: members sorted by
/// their UTF-16 units, no spaces, the shortest escapes. Of numbers only integers that every reader
/// keeps exact (to 2^53 - 1) are written; others are refused, as are halves of surrogate pairs.
/// Pure.
final class CanonicalJson {
  private static final long INTEGER_MAX = (1L << 53) - 1;
  private static final int DEPTH_MAX = 8;

  private static final ObjectMapper STRICT =
      new ObjectMapper(
          JsonFactory.builder()
              .enable(StreamReadFeature.STRICT_DUPLICATE_DETECTION)
              .streamReadConstraints(
                  StreamReadConstraints.builder().maxNestingDepth(DEPTH_MAX).build())
              .build());

  private CanonicalJson() {}

  /// Writes maps, collections, strings, integers and booleans.
  static byte[] bytes(Map<String, ?> object) {
    var out = new StringBuilder(512);
    write(object, out);
    return out.toString().getBytes(StandardCharsets.UTF_8);
  }

  /// Reads one object that must be written in the canonical spelling.
  static JsonNode parse(byte[] bytes) {
    JsonNode node = read(bytes);
    if (!java.util.Arrays.equals(bytes(node), bytes)) {
      throw new FormatException("the JSON is not canonical (expected: RFC 8785)");
    }
    return node;
  }

  /// Reads one object in any spelling.
  static JsonNode read(byte[] bytes) {
    JsonNode node;
    try {
      node = STRICT.readTree(bytes);
    } catch (JacksonException e) {
      throw new FormatException("no JSON: " + e.getOriginalMessage());
    }
    if (!node.isObject()) {
      throw new FormatException("no JSON object");
    }
    return node;
  }

  /// The canonical spelling of what was read.
  static byte[] bytes(JsonNode node) {
    var out = new StringBuilder(512);
    write(valueOf(node), out);
    return out.toString().getBytes(StandardCharsets.UTF_8);
  }

  private static Object valueOf(JsonNode node) {
    if (node.isObject()) {
      var map = new TreeMap<String, Object>();
      node.properties().forEach(member -> map.put(member.getKey(), valueOf(member.getValue())));
      return map;
    }
    if (node.isArray()) {
      return node.valueStream().map(CanonicalJson::valueOf).toList();
    }
    if (node.isString()) {
      return node.stringValue();
    }
    if (node.isIntegralNumber() && node.canConvertToLong()) {
      return node.longValue();
    }
    if (node.isBoolean()) {
      return node.booleanValue();
    }
    throw new FormatException(
        "JSON " + node.getNodeType() + " (expected: objects, arrays, strings, integers, booleans)");
  }

  private static void write(@Nullable Object value, StringBuilder out) {
    switch (value) {
      case Map<?, ?> map -> writeObject(map, out);
      case Collection<?> list -> writeArray(List.copyOf(list), out);
      case String text -> writeString(text, out);
      case Integer number -> out.append(number.intValue());
      case Long number -> writeInteger(number, out);
      case Boolean flag -> out.append(flag.booleanValue());
      case null, default ->
          throw new FormatException(
              "value "
                  + (value == null ? "null" : value.getClass().getName())
                  + " (expected: a map, list, string, integer or boolean)");
    }
  }

  static void writeInteger(long number, StringBuilder out) {
    if (Math.abs(number) > INTEGER_MAX || number == Long.MIN_VALUE) {
      throw new FormatException("integer " + number + " (expected: at most 2^53 - 1)");
    }
    out.append(number);
  }

  private static void writeObject(Map<?, ?> map, StringBuilder out) {
    var sorted = new TreeMap<String, Object>();
    map.forEach((name, value) -> sorted.put(String.valueOf(name), value));
    out.append('{');
    String separator = "";
    for (Map.Entry<String, Object> member : sorted.entrySet()) {
      out.append(separator);
      writeString(member.getKey(), out);
      out.append(':');
      write(member.getValue(), out);
      separator = ",";
    }
    out.append('}');
  }

  private static void writeArray(List<?> list, StringBuilder out) {
    out.append('[');
    String separator = "";
    for (Object value : list) {
      out.append(separator);
      write(value, out);
      separator = ",";
    }
    out.append(']');
  }

  static void writeString(String text, StringBuilder out) {
    out.append('"');
    for (int i = 0; i < text.length(); i++) {
      char c = text.charAt(i);
      switch (c) {
        case '"' -> out.append("\\\"");
        case '\\' -> out.append("\\\\");
        case '\b' -> out.append("\\b");
        case '\t' -> out.append("\\t");
        case '\n' -> out.append("\\n");
        case '\f' -> out.append("\\f");
        case '\r' -> out.append("\\r");
        default -> {
          if (c < 0x20) {
            out.append(String.format("\\u%04x", (int) c));
          } else if (Character.isSurrogate(c)) {
            if (Character.isLowSurrogate(c)
                || i + 1 == text.length()
                || !Character.isLowSurrogate(text.charAt(i + 1))) {
              throw new FormatException("half a surrogate pair at character " + i);
            }
            out.append(c).append(text.charAt(++i));
          } else {
            out.append(c);
          }
        }
      }
    }
    out.append('"');
  }
}
