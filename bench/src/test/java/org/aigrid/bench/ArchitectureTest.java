package org.aigrid.bench;

import static com.tngtech.archunit.lang.syntax.ArchRuleDefinition.noClasses;
import static com.tngtech.archunit.library.dependencies.SlicesRuleDefinition.slices;

import com.tngtech.archunit.core.domain.JavaClasses;
import com.tngtech.archunit.core.importer.ClassFileImporter;
import com.tngtech.archunit.core.importer.ImportOption.DoNotIncludeTests;
import org.junit.jupiter.api.Test;

/// Holds the directions between the modules; bench is the only module that sees them all.
class ArchitectureTest {
  private static final JavaClasses ALL =
      new ClassFileImporter()
          .withImportOption(new DoNotIncludeTests())
          .importPackages(
              "org.aigrid.core", "org.aigrid.live", "org.aigrid.twin", "org.aigrid.bench");

  @Test
  void noPackageOfAnyModuleIsPartOfACycle() {
    slices()
        .matching("org.aigrid.(**)")
        .should()
        .beFreeOfCycles()
        .because("a cycle of packages can be understood and changed only as a whole")
        .check(ALL);
  }

  @Test
  void liveAndTwinNeverMeet() {
    noClasses()
        .that()
        .resideInAPackage("org.aigrid.live..")
        .should()
        .dependOnClassesThat()
        .resideInAPackage("org.aigrid.twin..")
        .check(ALL);
    noClasses()
        .that()
        .resideInAPackage("org.aigrid.twin..")
        .should()
        .dependOnClassesThat()
        .resideInAPackage("org.aigrid.live..")
        .check(ALL);
  }

  @Test
  void coreKnowsNobody() {
    noClasses()
        .that()
        .resideInAPackage("org.aigrid.core..")
        .should()
        .dependOnClassesThat()
        .resideInAnyPackage("org.aigrid.live..", "org.aigrid.twin..", "org.aigrid.bench..")
        .check(ALL);
  }

  @Test
  void nobodyDependsOnBench() {
    noClasses()
        .that()
        .resideOutsideOfPackage("org.aigrid.bench..")
        .should()
        .dependOnClassesThat()
        .resideInAPackage("org.aigrid.bench..")
        .check(ALL);
  }
}
