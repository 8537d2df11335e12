package org.aigrid.core.policy;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.List;
import java.util.SplittableRandom;
import java.util.stream.LongStream;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;

/// Whatever the text, it compiles or is refused with a place inside it, and nothing is thrown.
class PolicyFuzzTest {
  private static final List<String> PIECES =
      List.of(
          "permit",
          "forbid",
          "(",
          ")",
          "principal",
          "action",
          "resource",
          "context",
          ",",
          ";",
          "when",
          "unless",
          "{",
          "}",
          "[",
          "]",
          "==",
          "!=",
          "<",
          ">=",
          "in",
          "has",
          "like",
          "&&",
          "||",
          "!",
          "-",
          "if",
          "then",
          "else",
          "true",
          "is",
          ".",
          "::",
          "Tenant::\"a\"",
          "Jurisdiction::\"JP\"",
          "\"*\"",
          "\"\\u{1F600}\"",
          "\"",
          "'",
          "@id(\"a\")",
          "@",
          "\\",
          "resource.level",
          "principal.project",
          "context.jurisdictions",
          ".contains(",
          ".containsAll(",
          ".isEmpty()",
          "9223372036854775807",
          "-9223372036854775808",
          "0x1",
          "//",
          "\n",
          " ",
          "\uD800",
          "\uFEFF",
          "日",
          "=",
          "&",
          "|",
          "?",
          "\0",
          "\u0085");

  static LongStream seeds() {
    return LongStream.range(0, 300);
  }

  @ParameterizedTest(name = "seed {0}")
  @MethodSource("seeds")
  void anyTextCompilesOrIsRefusedAtAPlaceInIt(long seed) {
    var random = new SplittableRandom(seed);
    for (int i = 0; i < 40; i++) {
      check(i % 2 == 0 ? mutated(seed * 40 + i, random) : soup(random));
    }
  }

  private static String mutated(long seed, SplittableRandom random) {
    var text = new StringBuilder(RandomPolicies.text(new RandomPolicies(seed).rules(3)));
    int changes = 1 + random.nextInt(4);
    for (int i = 0; i < changes && !text.isEmpty(); i++) {
      int at = random.nextInt(text.length());
      switch (random.nextInt(4)) {
        case 0 -> text.deleteCharAt(at);
        case 1 -> text.insert(at, PIECES.get(random.nextInt(PIECES.size())));
        case 2 -> text.setCharAt(at, (char) random.nextInt(random.nextBoolean() ? 128 : 65_536));
        default -> text.insert(at, text.substring(at, Math.min(text.length(), at + 20)));
      }
    }
    return text.toString();
  }

  private static String soup(SplittableRandom random) {
    var text = new StringBuilder();
    int pieces = random.nextInt(60);
    for (int i = 0; i < pieces; i++) {
      text.append(PIECES.get(random.nextInt(PIECES.size())))
          .append(random.nextInt(4) > 0 ? " " : "");
    }
    return text.toString();
  }

  /// What `PolicyTarget` of the module fuzz asks too, with coverage.
  static void check(String text) {
    switch (PolicySet.compile(text)) {
      case Compilation.Accepted(PolicySet set, List<PolicyNote> remarks) -> {
        remarks.forEach(remark -> assertIsIn(text, remark));
        String canonical = set.canonicalText();
        if (PolicySet.compile(canonical) instanceof Compilation.Accepted(PolicySet again, _)) {
          assertThat(again.canonicalText()).isEqualTo(canonical);
        } else {
          // spaces that the author left out may make it too long, and nothing else
          assertThat(canonical.length()).isGreaterThan(PolicySet.TEXT_CHARS_MAX);
        }
        var draws = new RandomPolicies(text.hashCode());
        set.bind(draws.principal()).decide(draws.action(), draws.site(4), draws.request());
      }
      case Compilation.Refused(List<PolicyNote> mistakes) -> {
        assertThat(mistakes).isNotEmpty().hasSizeLessThanOrEqualTo(PolicySet.MISTAKES_MAX);
        mistakes.forEach(mistake -> assertIsIn(text, mistake));
      }
    }
  }

  private static void assertIsIn(String text, PolicyNote note) {
    String[] lines = text.split("\n", -1);
    assertThat(note.line()).isBetween(1, lines.length);
    String line = lines[note.line() - 1];
    assertThat(note.column()).isBetween(1, line.codePointCount(0, line.length()) + 1);
    assertThat(note.message()).isNotBlank().doesNotContain("\n");
  }
}
