package org.aigrid.config;

import java.util.LinkedHashMap;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import org.jspecify.annotations.Nullable;
import org.tomlj.Toml;
import org.tomlj.TomlParseResult;

/// Values that take the place of what a file says, by full key: `router.neighbours=3`,
/// `service[0].share=0.5`. A value is written as in TOML; what is no TOML value is taken as text.
/// Remembers which were asked for, so that a misspelt one does not pass in silence. One thread.
public final class Overrides {
  /// Nothing is overridden.
  public static final Overrides NONE = new Overrides(Map.of());

  private final Map<String, String> values;
  private final Set<String> taken = new LinkedHashSet<>();

  /// @param values by full key, as written
  public Overrides(Map<String, String> values) {
    this.values = new LinkedHashMap<>(values);
  }

  /// Splits `key=value`, or an `IllegalArgumentException`.
  public static Map.Entry<String, String> split(String text) {
    int at = text.indexOf('=');
    if (at < 1) {
      throw new IllegalArgumentException(
          "'" + text + "' (expected: key=value, such as router.neighbours=3)");
    }
    return Map.entry(text.substring(0, at).strip(), text.substring(at + 1).strip());
  }

  /// The value of a key, or null where the file's own counts.
  @Nullable Object take(String key) {
    String value = values.get(key);
    if (value == null) {
      return null;
    }
    taken.add(key);
    TomlParseResult parsed = Toml.parse("value = " + value);
    return parsed.hasErrors() ? value : parsed.get(List.of("value"));
  }

  /// Whether a key, or one below it, is overridden.
  boolean touches(String key) {
    if (values.isEmpty()) {
      return false;
    }
    for (String path : values.keySet()) {
      if (path.equals(key) || path.startsWith(key + ".")) {
        return true;
      }
    }
    return false;
  }

  /// Keys that nobody asked for.
  public Set<String> unknown() {
    var unknown = new LinkedHashSet<>(values.keySet());
    unknown.removeAll(taken);
    return unknown;
  }
}
