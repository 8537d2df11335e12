package org.aigrid.live;

import static com.tngtech.archunit.lang.syntax.ArchRuleDefinition.noClasses;
import static com.tngtech.archunit.library.dependencies.SlicesRuleDefinition.slices;
import static java.util.Map.entry;

import com.tngtech.archunit.core.domain.JavaClasses;
import com.tngtech.archunit.core.importer.ClassFileImporter;
import com.tngtech.archunit.core.importer.ImportOption.DoNotIncludeTests;
import java.util.Map;
import java.util.Set;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;

/// Holds the picture of `live` in ARCHITECTURE.md: wire <- http <- {gateway, site}, control <-
/// {gateway, site}, {wire, gguf} <- engine <- site, topology <- gateway, trace <- replay, up above
/// all.
class ArchitectureTest {
  private static final JavaClasses LIVE =
      new ClassFileImporter()
          .withImportOption(new DoNotIncludeTests())
          .importPackages("org.aigrid.live");

  /// What each package may use of `live`, besides itself.
  private static final Map<String, Set<String>> MAY_USE =
      Map.ofEntries(
          entry("wire", Set.of()),
          entry("http", Set.of("wire")),
          entry("control", Set.of()),
          entry("gateway", Set.of("wire", "http", "control", "topology", "books", "proof")),
          entry("files", Set.of()),
          entry("outbound", Set.of()),
          entry("books", Set.of("files", "outbound")),
          entry("gguf", Set.of()),
          entry("engine", Set.of("wire", "gguf")),
          entry("site", Set.of("wire", "http", "control", "gguf", "engine", "radio", "outbound")),
          entry("radio", Set.of("outbound")),
          entry("drill", Set.of("trace")),
          entry("policy", Set.of()),
          entry("tlog", Set.of()),
          entry("proof", Set.of("files", "tlog", "wire", "http", "outbound")),
          entry("topology", Set.of("outbound")),
          entry("trace", Set.of()),
          entry("replay", Set.of("trace")),
          entry("chat", Set.of()),
          entry(
              "up",
              Set.of(
                  "outbound",
                  "wire",
                  "http",
                  "control",
                  "gateway",
                  "books",
                  "gguf",
                  "engine",
                  "site",
                  "policy",
                  "topology",
                  "trace",
                  "replay",
                  "radio",
                  "drill",
                  "tlog",
                  "proof",
                  "chat")));

  static Set<String> packages() {
    return MAY_USE.keySet();
  }

  @ParameterizedTest(name = "{0}")
  @MethodSource("packages")
  void usesOnlyThePackagesBelowIt(String name) {
    Set<String> allowed = MAY_USE.getOrDefault(name, Set.of());
    String[] forbidden =
        MAY_USE.keySet().stream()
            .filter(other -> !other.equals(name) && !allowed.contains(other))
            .map(other -> "org.aigrid.live." + other + "..")
            .toArray(String[]::new);
    if (forbidden.length == 0) {
      return;
    }
    noClasses()
        .that()
        .resideInAPackage("org.aigrid.live." + name + "..")
        .should()
        .dependOnClassesThat()
        .resideInAnyPackage(forbidden)
        .because("live points one way: wire <- http <- {gateway, site}, control <- both, up on top")
        .allowEmptyShould(true)
        .check(LIVE);
  }

  @Test
  void everyPackageHasItsPlaceInThePicture() {
    String[] known =
        MAY_USE.keySet().stream().map(p -> "org.aigrid.live." + p + "..").toArray(String[]::new);
    noClasses()
        .that()
        .resideInAPackage("org.aigrid.live.*..")
        .should()
        .resideOutsideOfPackages(known)
        .because("a new package of live gets its place in ARCHITECTURE.md and in this test first")
        .check(LIVE);
  }

  @Test
  void packagesFormNoCycle() {
    slices()
        .matching("org.aigrid.(**)")
        .should()
        .beFreeOfCycles()
        .because("a cycle of packages can be understood and changed only as a whole")
        .check(LIVE);
  }

  @Test
  void neverMeetsTheTwin() {
    noClasses()
        .should()
        .dependOnClassesThat()
        .resideInAnyPackage("org.aigrid.twin..", "org.aigrid.bench..")
        .because("live and twin share core and nothing else")
        .check(LIVE);
  }
}
