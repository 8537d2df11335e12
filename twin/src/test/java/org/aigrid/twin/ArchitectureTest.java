package org.aigrid.twin;

import static com.tngtech.archunit.lang.syntax.ArchRuleDefinition.noClasses;
import static com.tngtech.archunit.library.dependencies.SlicesRuleDefinition.slices;

import com.tngtech.archunit.core.domain.JavaClasses;
import com.tngtech.archunit.core.importer.ClassFileImporter;
import com.tngtech.archunit.core.importer.ImportOption.DoNotIncludeTests;
import org.junit.jupiter.api.Test;

/// Holds the twin apart from the running system and from wall-clock time.
class ArchitectureTest {
  private static final JavaClasses TWIN =
      new ClassFileImporter()
          .withImportOption(new DoNotIncludeTests())
          .importPackages("org.aigrid.twin");

  @Test
  void neverMeetsLive() {
    noClasses()
        .should()
        .dependOnClassesThat()
        .resideInAnyPackage("org.aigrid.live..", "org.aigrid.bench..")
        .because("live and twin share core and nothing else")
        .check(TWIN);
  }

  @Test
  void packagesFormNoCycle() {
    slices()
        .matching("org.aigrid.(**)")
        .should()
        .beFreeOfCycles()
        .because("a cycle of packages can be understood and changed only as a whole")
        .check(TWIN);
  }
}
