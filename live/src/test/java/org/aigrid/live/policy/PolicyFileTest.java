package org.aigrid.live.policy;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.SplittableRandom;
import java.util.stream.LongStream;
import org.aigrid.core.policy.PolicyNote;
import org.aigrid.core.policy.PolicySet;
import org.aigrid.live.policy.PolicyTests.Result;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;
import org.junit.jupiter.params.provider.ValueSource;

/// Policy files, their versions and the tests that people write for them.
class PolicyFileTest {
  private static final Path EXAMPLES = Path.of("..", "docs", "policies");

  @TempDir Path folder;

  static LongStream seeds() {
    return LongStream.range(0, 100);
  }

  @Test
  void aMistakeIsShownWithItsLineAndACaretUnderIt() {
    assertThatThrownBy(
            () ->
                PolicyFile.compile(
                    "tenants.cedar",
                    "// 日本\n\tpermit (principal, action, resource in Jurisdiction::\"日本\");\n"))
        .isInstanceOf(PolicyException.class)
        .hasMessage(
            """
            tenants.cedar:2:41: the jurisdiction "日本" (expected: two upper-case letters of ISO 3166-1,\
             such as "JP")
              \tpermit (principal, action, resource in Jurisdiction::"日本");
              \t                                       ^""");
  }

  @Test
  void aCaretStandsUnderItsPlaceAlsoBehindWideCharactersAndInLongLines() {
    assertThat(PolicyFile.shown("f", "日本x", new PolicyNote(1, 3, "m")))
        .isEqualTo("f:1:3: m\n  日本x\n      ^");
    String[] lines =
        PolicyFile.shown("f", "a".repeat(500) + "x" + "b".repeat(500), new PolicyNote(1, 501, "m"))
            .split("\n", -1);
    assertThat(lines[1]).hasSizeLessThanOrEqualTo(102);
    assertThat(lines[1].charAt(lines[2].indexOf('^'))).isEqualTo('x');
    assertThat(PolicyFile.shown("f", "a\u001bb", new PolicyNote(1, 1, "m")))
        .doesNotContain("\u001b");
    assertThat(PolicyFile.shown("f", "", new PolicyNote(1, 1, "m"))).isEqualTo("f:1:1: m\n  \n  ^");
  }

  @Test
  void aVersionNamesWhatASetSaysAndNotItsLayout() throws Exception {
    String text = "@id(\"a\") permit (principal, action, resource in Jurisdiction::\"JP\");";
    PolicyFile one = PolicyFile.compile("one", text);
    PolicyFile spaced =
        PolicyFile.compile(
            "two", "// comment\n" + text.replace(" ", " \n ").replace("\"a\"", " \"a\" "));
    PolicyFile other = PolicyFile.compile("three", text.replace("JP", "DE"));
    assertThat(spaced.version()).isEqualTo(one.version()).matches("[0-9a-f]{64}");
    assertThat(other.version()).isNotEqualTo(one.version());
    assertThat(PolicyVersion.of(List.of())).isEqualTo(PolicyVersion.of(PolicySet.EMPTY));
    assertThat(PolicyVersion.of(List.of(one.set()))).isEqualTo(one.version());
    assertThat(PolicyVersion.of(List.of(one.set(), other.set())))
        .isNotEqualTo(PolicyVersion.of(List.of(other.set(), one.set())));
    // Of the empty text, from FIPS 180's well-known answers.
    assertThat(PolicyVersion.of(PolicySet.EMPTY)).startsWith("e3b0c44298fc1c14");
  }

  @Test
  void aFileThatIsNoTextOrTooLongIsASentence() throws Exception {
    Path file = folder.resolve("a.cedar");
    Files.write(file, new byte[] {'/', '/', (byte) 0xFF});
    assertThatThrownBy(() -> PolicyFile.read(file)).hasMessageContaining("not UTF-8");
    Files.write(file, new byte[PolicyFile.BYTES_MAX + 1]);
    assertThatThrownBy(() -> PolicyFile.read(file)).hasMessageContaining("more than");
  }

  @ParameterizedTest
  @ValueSource(strings = {"ministry", "messenger", "student"})
  void theExamplesSayWhatTheirTestsExpect(String name) throws Exception {
    assertThat(PolicyFile.read(EXAMPLES.resolve(name + ".cedar")).remarks()).isEmpty();
    List<Result> results = PolicyTests.run(EXAMPLES.resolve(name + ".toml"));
    assertThat(results).hasSizeGreaterThan(3).allMatch(Result::asExpected);
  }

  @Test
  void aTestThatExpectsSomethingElseIsToldOf() throws Exception {
    Files.writeString(
        folder.resolve("p.cedar"), "permit (principal, action, resource in Jurisdiction::\"JP\");");
    Path file =
        Files.writeString(
            folder.resolve("t.toml"),
            """
            policy = ["p.cedar"]
            [defaults]
            tenant = "t"
            jurisdiction = "JP"
            [[case]]
            name = "right"
            expect = "permit"
            [[case]]
            name = "wrong answer"
            expect = "deny"
            [[case]]
            name = "wrong policy"
            expect = "permit"
            by = "other"
            [[case]]
            name = "a site without jurisdiction"
            tenant = "u"
            jurisdiction = "JP"
            key-jurisdictions = []
            expect = "deny"
            """);
    List<Result> results = PolicyTests.run(file);
    assertThat(results).extracting(Result::asExpected).containsExactly(true, false, false, true);
    assertThat(results.get(1).sentence()).contains("is permitted by 'policy1' (line 1)");
    assertThat(results.get(1).of().line()).isEqualTo(9);
  }

  @Test
  void aTestFileTellsAllItsMistakesWithTheirLines() throws Exception {
    Path file =
        Files.writeString(
            folder.resolve("t.toml"),
            """
            policy = ["missing.cedar"]
            [[case]]
            name = "a"
            expect = "maybe"
            acton = "infer"
            [[case]]
            name = "b"
            tenant = "t"
            expect = "deny"
            residency = ["Japan"]
            site-tier = "tower"
            """);
    assertThatThrownBy(() -> PolicyTests.run(file))
        .isInstanceOf(PolicyException.class)
        .hasMessageContaining("t.toml:4:")
        .hasMessageContaining("'maybe' (expected: permit or deny)")
        .hasMessageContaining("acton")
        .hasMessageContaining("tenant is missing")
        .hasMessageContaining("t.toml:10:")
        .hasMessageContaining("expected: one of hub, regional, cell");
  }

  /// The canonical text is what is hashed: any other bytes would be another version.
  @ParameterizedTest(name = "seed {0}")
  @MethodSource("seeds")
  void noTwoDifferentIdsHaveOneVersion(long seed) throws Exception {
    var random = new SplittableRandom(seed);
    String one = word(random);
    String two = word(random);
    String version = version(one);
    assertThat(version.equals(version(two))).isEqualTo(one.equals(two));
  }

  private static String version(String id) throws PolicyException {
    return PolicyFile.compile("f", "forbid (principal, action, resource == Site::\"s" + id + "\");")
        .version();
  }

  private static String word(SplittableRandom random) {
    return random
        .ints(1 + random.nextInt(3), 0, 4)
        .mapToObj(i -> List.of("a", "\\n", "\\u{A}", "*").get(i))
        .reduce("", String::concat)
        .replace("\\u{A}", "\\n");
  }
}
