package org.aigrid.core;

import static com.tngtech.archunit.lang.syntax.ArchRuleDefinition.classes;
import static com.tngtech.archunit.lang.syntax.ArchRuleDefinition.noClasses;
import static com.tngtech.archunit.library.Architectures.layeredArchitecture;
import static com.tngtech.archunit.library.dependencies.SlicesRuleDefinition.slices;

import com.tngtech.archunit.base.DescribedPredicate;
import com.tngtech.archunit.core.domain.JavaClass;
import com.tngtech.archunit.core.domain.JavaClasses;
import com.tngtech.archunit.core.importer.ClassFileImporter;
import com.tngtech.archunit.core.importer.ImportOption.DoNotIncludeTests;
import org.junit.jupiter.api.Test;

/// Holds core to what it promises: pure functions, in layers that point one way.
class ArchitectureTest {
  private static final JavaClasses CORE =
      new ClassFileImporter()
          .withImportOption(new DoNotIncludeTests())
          .importPackages("org.aigrid.core");

  @Test
  void layersPointInward() {
    layeredArchitecture()
        .consideringOnlyDependenciesInLayers()
        .layer("unit")
        .definedBy("org.aigrid.core.unit..")
        .layer("model")
        .definedBy("org.aigrid.core.model..")
        .layer("engine")
        .definedBy("org.aigrid.core.engine..")
        .layer("view")
        .definedBy("org.aigrid.core.view..")
        .layer("load")
        .definedBy("org.aigrid.core.load..")
        .layer("route")
        .definedBy("org.aigrid.core.route..")
        .layer("policy")
        .definedBy("org.aigrid.core.policy..")
        .layer("residency")
        .definedBy("org.aigrid.core.residency..")
        .layer("admit")
        .definedBy("org.aigrid.core.admit..")
        .layer("reclaim")
        .definedBy("org.aigrid.core.reclaim..")
        .layer("node")
        .definedBy("org.aigrid.core.node..")
        .layer("charge")
        .definedBy("org.aigrid.core.charge..")
        .whereLayer("unit")
        .mayNotAccessAnyLayer()
        .whereLayer("model")
        .mayOnlyAccessLayers("unit")
        .whereLayer("engine")
        .mayOnlyAccessLayers("unit", "model")
        .whereLayer("view")
        .mayOnlyAccessLayers("unit", "model", "engine")
        .whereLayer("load")
        .mayOnlyAccessLayers("unit", "model", "engine", "view")
        .whereLayer("route")
        .mayOnlyAccessLayers("unit", "model", "engine", "view", "load")
        .whereLayer("policy")
        .mayOnlyAccessLayers("unit", "model")
        .whereLayer("residency")
        .mayOnlyAccessLayers("unit", "model", "engine", "view", "policy")
        .whereLayer("admit")
        .mayOnlyAccessLayers("unit", "model", "engine", "view", "load")
        .whereLayer("charge")
        .mayOnlyAccessLayers("unit", "model")
        .whereLayer("reclaim")
        .mayOnlyAccessLayers("unit", "model", "engine", "view", "load")
        .because(
            "a decision may read what lies under it and nothing beside it: route and admit are"
                + " composed by node and the shell, never by each other")
        .check(CORE);
  }

  @Test
  void everyPackageIsInALayer() {
    classes()
        .should()
        .resideInAnyPackage(
            "org.aigrid.core.unit..",
            "org.aigrid.core.model..",
            "org.aigrid.core.engine..",
            "org.aigrid.core.view..",
            "org.aigrid.core.load..",
            "org.aigrid.core.route..",
            "org.aigrid.core.policy..",
            "org.aigrid.core.residency..",
            "org.aigrid.core.admit..",
            "org.aigrid.core.reclaim..",
            "org.aigrid.core.charge..",
            "org.aigrid.core.node..")
        .because("a package outside the layers would escape the rule about their directions")
        .check(CORE);
  }

  @Test
  void packagesFormNoCycle() {
    slices()
        .matching("org.aigrid.core.(**)")
        .should()
        .beFreeOfCycles()
        .because("a cycle of packages can be understood and changed only as a whole")
        .check(CORE);
  }

  @Test
  void coreNeedsOnlyTheLanguageAndItsCollections() {
    classes()
        .should()
        .onlyDependOnClassesThat(
            DescribedPredicate.describe(
                "are of core, java.lang, java.util (without java.util.concurrent) or org.jspecify",
                ArchitectureTest::allowed))
        .because(
            "core decides and never acts: with files, sockets, wall clocks or libraries in reach"
                + " the twin could not replay what the gateway decided")
        .check(CORE);
  }

  @Test
  void coreStartsNoThreads() {
    noClasses()
        .should()
        .dependOnClassesThat()
        .belongToAnyOf(Thread.class, ThreadLocal.class, Runtime.class, Process.class)
        .orShould()
        .dependOnClassesThat()
        .resideInAnyPackage("java.util.concurrent..")
        .because("callers own the threads; a decision is a function of its arguments")
        .check(CORE);
  }

  @Test
  void coreReadsNoClockAndDrawsNothingItWasNotGiven() {
    noClasses()
        .should()
        .callMethod(System.class, "nanoTime")
        .orShould()
        .callMethod(System.class, "currentTimeMillis")
        .orShould()
        .callMethod(Math.class, "random")
        .orShould()
        .callConstructor(java.util.SplittableRandom.class)
        .orShould()
        .callConstructor(java.util.SplittableRandom.class, long.class)
        .orShould()
        .dependOnClassesThat()
        .belongToAnyOf(
            java.util.Random.class,
            java.util.UUID.class,
            java.util.Date.class,
            java.util.Timer.class)
        .because("the same inputs must give the same answer, in production and in the twin")
        .check(CORE);
  }

  private static boolean allowed(JavaClass type) {
    JavaClass element = type.getBaseComponentType();
    String name = element.getPackageName();
    return element.isPrimitive()
        || name.startsWith("org.aigrid.core")
        || name.startsWith("org.jspecify")
        || name.equals("java.lang")
        || name.equals("java.lang.annotation")
        || name.equals("java.lang.invoke") // lambdas
        || name.equals("java.lang.runtime") // records and switches over them
        || name.equals("java.util")
        || name.equals("java.util.function")
        || name.equals("java.util.stream");
  }
}
