package org.aigrid.config;

import java.util.ArrayList;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Set;
import org.jspecify.annotations.Nullable;
import org.tomlj.Toml;
import org.tomlj.TomlArray;
import org.tomlj.TomlParseResult;
import org.tomlj.TomlPosition;
import org.tomlj.TomlTable;

/// One table of a TOML file that is being read. Every read that fails leaves a problem with its
/// position in the shared list and answers null, so that one pass finds all of them. One thread.
public final class Section {
  private final String file;
  private final String path;
  private final TomlTable table;
  private final @Nullable TomlPosition position;
  private final List<Problem> problems;
  private final Overrides overrides;
  private final Set<String> expected = new LinkedHashSet<>();

  public Section(
      String file,
      String path,
      TomlTable table,
      @Nullable TomlPosition position,
      List<Problem> problems,
      Overrides overrides) {
    this.file = file;
    this.path = path;
    this.table = table;
    this.position = position;
    this.problems = problems;
    this.overrides = overrides;
  }

  /// The root of a file's text. What the parser itself finds wrong is among the problems, and then
  /// the answer is null.
  public static @Nullable Section parse(String file, String text, List<Problem> problems) {
    return parse(file, text, problems, Overrides.NONE);
  }

  /// The same, with values that take the place of the file's.
  public static @Nullable Section parse(
      String file, String text, List<Problem> problems, Overrides overrides) {
    TomlParseResult toml = Toml.parse(text);
    toml.errors()
        .forEach(
            e ->
                problems.add(
                    new Problem(
                        file,
                        e.position().line(),
                        e.position().column(),
                        String.valueOf(e.getMessage()))));
    return toml.hasErrors() ? null : new Section(file, "", toml, null, problems, overrides);
  }

  public String path() {
    return path;
  }

  public Set<String> keys() {
    return table.keySet();
  }

  public boolean has(String key) {
    expected.add(key);
    return table.contains(List.of(key)) || overrides.touches(name(key));
  }

  private @Nullable Object value(String key) {
    Object value = overrides.take(name(key));
    return value != null ? value : table.get(List.of(key));
  }

  /// A text, or null and a problem when it is missing, blank or of another type.
  public @Nullable String text(String key) {
    return has(key) ? presentText(key) : missing(key, "text");
  }

  /// A text, or `otherwise` when it is missing; when that is null too, a problem.
  public @Nullable String textOr(String key, @Nullable String otherwise) {
    if (has(key)) {
      return presentText(key);
    }
    return otherwise != null ? otherwise : missing(key, "text, here or in [defaults]");
  }

  /// A text, or null when it is missing.
  public @Nullable String optionalText(String key) {
    return has(key) ? presentText(key) : null;
  }

  /// `true` or `false`; the other value when the key is missing.
  public boolean flagOr(String key, boolean otherwise) {
    if (!has(key)) {
      return otherwise;
    }
    Object value = value(key);
    if (value instanceof Boolean flag) {
      return flag;
    }
    wrong(key, value, "true or false");
    return otherwise;
  }

  private @Nullable String presentText(String key) {
    Object value = value(key);
    if (value instanceof String text && !text.isBlank()) {
      return text.strip();
    }
    return wrong(key, value, "text that is not blank");
  }

  /// A number within bounds, or null and a problem.
  public @Nullable Double number(String key, double least, double most) {
    String expectation = "a number from " + plain(least) + " to " + plain(most);
    if (!has(key)) {
      return missing(key, expectation);
    }
    Object value = value(key);
    if (value instanceof Number number
        && number.doubleValue() >= least
        && number.doubleValue() <= most) {
      return number.doubleValue();
    }
    return wrong(key, value, expectation);
  }

  /// A whole number within bounds, or null and a problem.
  public @Nullable Long whole(String key, long least, long most) {
    String expectation = "a whole number from " + least + " to " + most;
    if (!has(key)) {
      return missing(key, expectation);
    }
    Object value = value(key);
    return value instanceof Long number && number >= least && number <= most
        ? number
        : wrong(key, value, expectation);
  }

  public @Nullable Long wholeOr(String key, long least, long most, long otherwise) {
    return has(key) ? whole(key, least, most) : Long.valueOf(otherwise);
  }

  /// A number within bounds, or `otherwise` when it is missing.
  public double numberOr(String key, double least, double most, double otherwise) {
    Double found = has(key) ? number(key, least, most) : null;
    return found == null ? otherwise : found;
  }

  /// The numbers of an array of `count`, or null and a problem; null alone when the key is missing.
  public @Nullable List<Double> optionalNumbers(String key, int count, double least, double most) {
    String expectation =
        "an array of " + count + " numbers from " + plain(least) + " to " + plain(most);
    if (!has(key)) {
      return null;
    }
    Object value = value(key);
    var numbers = new ArrayList<Double>();
    if (value instanceof TomlArray array) {
      for (int i = 0; i < array.size(); i++) {
        if (array.get(i) instanceof Number number
            && number.doubleValue() >= least
            && number.doubleValue() <= most) {
          numbers.add(number.doubleValue());
        }
      }
    }
    return numbers.size() == count ? numbers : wrong(key, value, expectation);
  }

  /// The texts of an array, each with its index; empty when the key is missing.
  public List<String> texts(String key) {
    if (!has(key)) {
      return List.of();
    }
    Object value = value(key);
    var texts = new ArrayList<String>();
    if (value instanceof TomlArray array) {
      for (int i = 0; i < array.size(); i++) {
        if (array.get(i) instanceof String text) {
          texts.add(text);
        } else {
          report(array.inputPositionOf(i), name(key) + "[" + i + "] (expected: text)");
        }
      }
    } else {
      wrong(key, value, "an array of text");
    }
    return texts;
  }

  /// The tables of an array that may be missing or empty.
  public List<Section> optionalSections(String key, String expectation) {
    return has(key) && !(value(key) instanceof TomlArray array && array.isEmpty())
        ? sections(key, expectation)
        : List.of();
  }

  /// The tables of an array, or an empty list and a problem.
  public List<Section> sections(String key, String expectation) {
    if (!has(key)) {
      missing(key, expectation);
      return List.of();
    }
    var sections = new ArrayList<Section>();
    Object value = value(key);
    if (value instanceof TomlArray array) {
      for (int i = 0; i < array.size(); i++) {
        if (array.get(i) instanceof TomlTable inner) {
          sections.add(
              new Section(
                  file,
                  name(key) + "[" + i + "]",
                  inner,
                  at(array, i, inner),
                  problems,
                  overrides));
        } else {
          report(array.inputPositionOf(i), name(key) + "[" + i + "] (expected: a table)");
        }
      }
    } else {
      wrong(key, value, expectation);
    }
    if (sections.isEmpty() && value instanceof TomlArray) {
      wrong(key, "an empty array", expectation);
    }
    return sections;
  }

  /// For an array of `[[tables]]` the parser knows only where the array began: the first key of a
  /// table says more.
  private static @Nullable TomlPosition at(TomlArray array, int i, TomlTable inner) {
    TomlPosition best = null;
    for (String key : inner.keySet()) {
      TomlPosition position = inner.inputPositionOf(List.of(key));
      if (position != null && (best == null || position.line() < best.line())) {
        best = position;
      }
    }
    return best != null ? best : array.inputPositionOf(i);
  }

  /// A table inside this one, or null when the key is missing.
  public @Nullable Section optionalSection(String key) {
    if (!has(key)) {
      return null;
    }
    Object value = value(key);
    if (value == null) { // only overrides reach into it
      return new Section(file, name(key), Toml.parse(""), null, problems, overrides);
    }
    if (value instanceof TomlTable inner) {
      return new Section(
          file, name(key), inner, table.inputPositionOf(List.of(key)), problems, overrides);
    }
    wrong(key, value, "a table");
    return null;
  }

  /// Reports the keys that nobody asked for: a misspelt key must not pass in silence.
  public void reportUnknownKeys() {
    for (String key : table.keySet()) {
      if (!expected.contains(key)) {
        report(
            table.inputPositionOf(List.of(key)),
            "unknown key " + name(key) + " (expected: one of " + String.join(", ", expected) + ")");
      }
    }
  }

  /// A problem with the value of a key.
  public void problem(String key, String message) {
    TomlPosition at = table.inputPositionOf(List.of(key));
    report(at != null ? at : position, name(key) + ": " + message);
  }

  /// A problem with the table as a whole.
  public void problem(String message) {
    report(position, path.isEmpty() ? message : path + ": " + message);
  }

  /// Line of a key, or 0 where it does not stand.
  public int line(String key) {
    TomlPosition at = table.inputPositionOf(List.of(key));
    return at == null ? 0 : at.line();
  }

  private <T> @Nullable T missing(String key, String expectation) {
    report(position, name(key) + " is missing (expected: " + expectation + ")");
    return null;
  }

  private <T> @Nullable T wrong(String key, @Nullable Object value, String expectation) {
    problem(key, shown(value) + " (expected: " + expectation + ")");
    return null;
  }

  private void report(@Nullable TomlPosition at, String message) {
    problems.add(
        at == null
            ? new Problem(file, 0, 0, message)
            : new Problem(file, at.line(), at.column(), message));
  }

  private String name(String key) {
    return path.isEmpty() ? key : path + "." + key;
  }

  private static String shown(@Nullable Object value) {
    return switch (value) {
      case null -> "nothing";
      case String text -> "'" + text + "'";
      case TomlTable _ -> "a table";
      case TomlArray _ -> "an array";
      case Object other -> other.toString();
    };
  }

  private static String plain(double value) {
    return value == Math.rint(value) && Math.abs(value) < 1e15
        ? Long.toString((long) value)
        : Double.toString(value);
  }
}
