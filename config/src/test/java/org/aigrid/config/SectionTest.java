package org.aigrid.config;

import static java.util.Objects.requireNonNull;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.Test;

class SectionTest {
  private static final String TEXT =
      """
      name = "x"
      [a]
      count = 3
      list = [1, 2.5, 3]
      [[row]]
      size = 1
      [[row]]
      size = 2
      """;

  private final List<Problem> problems = new ArrayList<>();

  private Section read(Map<String, String> changes) {
    return requireNonNull(Section.parse("f.toml", TEXT, problems, new Overrides(changes)));
  }

  @Test
  void valuesAreReadAndMistakesAreToldWithTheirPlace() {
    Section root = read(Map.of());
    Section a = requireNonNull(root.optionalSection("a"));
    assertThat(a.whole("count", 1, 5)).isEqualTo(3);
    assertThat(a.numberOr("missing", 0, 1, 0.5)).isEqualTo(0.5);
    assertThat(a.optionalNumbers("list", 3, 0, 9)).containsExactly(1.0, 2.5, 3.0);
    assertThat(problems).isEmpty();
    assertThat(a.optionalNumbers("list", 2, 0, 9)).isNull();
    assertThat(a.whole("count", 4, 5)).isNull();
    assertThat(a.text("count")).isNull();
    assertThat(problems.stream().map(Problem::toString))
        .containsExactly(
            "f.toml:4:1: a.list: an array (expected: an array of 2 numbers from 0 to 9)",
            "f.toml:3:1: a.count: 3 (expected: a whole number from 4 to 5)",
            "f.toml:3:1: a.count: 3 (expected: text that is not blank)");
  }

  @Test
  void overridesTakeThePlaceOfValuesAlsoInTablesThatAreNotThere() {
    var overrides =
        new Overrides(Map.of("a.count", "4", "b.size", "7", "row[1].size", "9", "c", "1"));
    Section root = requireNonNull(Section.parse("f.toml", TEXT, problems, overrides));
    assertThat(requireNonNull(root.optionalSection("a")).whole("count", 1, 5)).isEqualTo(4);
    assertThat(requireNonNull(root.optionalSection("b")).whole("size", 1, 9)).isEqualTo(7);
    List<Section> rows = root.sections("row", "rows");
    assertThat(rows.get(0).whole("size", 1, 9)).isEqualTo(1);
    assertThat(rows.get(1).whole("size", 1, 9)).isEqualTo(9);
    assertThat(problems).isEmpty();
    assertThat(overrides.unknown()).containsExactly("c");
  }

  @Test
  void whatIsNoValueIsTextAndWhatHasNoKeyIsRefused() {
    assertThat(read(Map.of("name", "two words")).text("name")).isEqualTo("two words");
    assertThatThrownBy(() -> Overrides.split("nothing"))
        .hasMessageContaining("expected: key=value");
    assertThat(Overrides.split("a.b = 3")).isEqualTo(Map.entry("a.b", "3"));
  }

  @Test
  void whatTheParserFindsIsAProblemToo() {
    assertThat(Section.parse("f.toml", "name = ", problems)).isNull();
    assertThat(problems).isNotEmpty();
    assertThat(problems.getFirst().line()).isEqualTo(1);
  }
}
