package org.aigrid.live.up;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.FileTime;
import java.time.Instant;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.condition.DisabledOnOs;
import org.junit.jupiter.api.condition.OS;
import org.junit.jupiter.api.io.TempDir;

/// The launcher on machines that we make up: a folder with a space in its name, the POSIX tools,
/// and JDKs of our choice, which are release files and two empty programs.
@DisabledOnOs(OS.WINDOWS)
class LauncherTest {
  private static final List<String> TOOLS =
      List.of(
          "bash",
          "cat",
          "date",
          "mkdir",
          "mktemp",
          "mv",
          "rm",
          "sleep",
          "touch",
          "env",
          "find",
          "awk",
          "dirname",
          "grep",
          "head",
          "readlink",
          "sed",
          "sort",
          "tail");

  @TempDir Path folder;
  private Path machine;
  private Path launcher;
  private final Map<String, String> environment = new TreeMap<>();

  private record Ran(int exitCode, String out, String err) {}

  @BeforeEach
  void makeAMachine() throws IOException {
    machine = Files.createDirectory(folder.resolve("a machine"));
    launcher = machine.resolve("grid");
    Files.copy(Path.of(System.getProperty("grid.root", "..")).resolve("grid"), launcher);
    assertThat(launcher.toFile().setExecutable(true)).isTrue();
    Path bin = Files.createDirectories(machine.resolve("bin"));
    for (String tool : TOOLS) {
      for (String place : List.of("/usr/bin", "/bin", "/usr/local/bin", "/opt/homebrew/bin")) {
        if (Files.isExecutable(Path.of(place, tool))) {
          program(bin.resolve(tool), "#!/bin/sh\nexec " + place + "/" + tool + " \"$@\"\n");
          break;
        }
      }
    }
    environment.put("PATH", bin.toString());
    environment.put("HOME", machine.resolve("home").toString());
    environment.put("GRID_JDK_ROOT", machine.resolve("root").toString());
  }

  @Test
  void withoutASuitableJdkItSaysWhatToInstall() throws Exception {
    jdk("root/usr/lib/jvm/java-17-openjdk-amd64", "17.0.15");
    jdk("root/usr/lib/jvm/java-8", "1.8.0_402");
    Ran ran = launch("jdk");
    assertThat(ran.exitCode()).isEqualTo(3);
    assertThat(ran.out()).isEmpty();
    assertThat(ran.err())
        .contains("no JDK 25 or newer found")
        .contains("Temurin 25")
        .contains("openjdk-25-jdk")
        .contains("openjdk@25");
  }

  @Test
  void theNewestOfTheUsualFoldersIsTaken() throws Exception {
    jdk("root/usr/lib/jvm/java-17-openjdk-amd64", "17.0.15");
    jdk("root/usr/lib/jvm/temurin-25-jdk-amd64", "25.0.1");
    Path newest = jdk("home/.sdkman/candidates/java/25.0.10-tem", "25.0.10");
    jdk("home/.jdks/temurin-25", "25");
    assertThat(launch("jdk").out().strip()).isEqualTo(newest.toString());
  }

  @Test
  void eachUsualFolderIsLookedInto() throws Exception {
    for (String place :
        List.of(
            "root/usr/lib/jvm/a",
            "root/opt/b",
            "root/opt/java/c",
            "home/.sdkman/candidates/java/d",
            "home/.jdks/e",
            "root/Library/Java/JavaVirtualMachines/f/Contents/Home")) {
      Path home = jdk(place, "25.0.1");
      assertThat(launch("jdk").out().strip()).as(place).isEqualTo(home.toString());
      Files.delete(home.resolve("release"));
    }
  }

  @Test
  void javaHomeComesFirstWhenItSuits() throws Exception {
    jdk("root/usr/lib/jvm/temurin-26", "26");
    Path chosen = jdk("my jdk", "25.0.1");
    environment.put("JAVA_HOME", chosen.toString());
    assertThat(launch("jdk").out().strip()).isEqualTo(chosen.toString());
  }

  @Test
  void aJavaHomeThatIsTooOldIsPassedOver() throws Exception {
    Path old = jdk("old", "17.0.15");
    environment.put("JAVA_HOME", old.toString());
    assertThat(launch("jdk").err()).contains("JAVA_HOME is " + old + ", which is not one.");
    Path found = jdk("root/opt/jdk-25", "25.0.1");
    assertThat(launch("jdk").out().strip()).isEqualTo(found.toString());
  }

  @Test
  void theJavaOnThePathIsTakenThroughItsLinks() throws Exception {
    Path home = jdk("somewhere/else", "25.0.1");
    Files.createSymbolicLink(machine.resolve("bin/java"), home.resolve("bin/java"));
    assertThat(Path.of(launch("jdk").out().strip()).toRealPath()).isEqualTo(home.toRealPath());
  }

  @Test
  void aRuntimeWithoutCompilerIsNoJdk() throws Exception {
    Path home = jdk("root/opt/jre-25", "25.0.1");
    Files.delete(home.resolve("bin/javac"));
    assertThat(launch("jdk").exitCode()).isEqualTo(3);
  }

  @Test
  void itBuildsWhenASourceIsNewerThanTheBuildAndOnlyThen() throws Exception {
    Path source = checkout(BUILDS);
    Ran first = launch("up", "--port", "9 9");
    assertThat(first.exitCode()).as(first.err()).isZero();
    assertThat(first.err()).contains("Building").contains("Built in");
    assertThat(first.out())
        .contains("org.aigrid.live.Main")
        .contains("[9 9]")
        .contains("live-1.jar:")
        .contains("grid.root=" + machine);
    assertThat(launch("up").err()).isEmpty();

    Files.setLastModifiedTime(source, FileTime.from(Instant.now().plusSeconds(5)));
    assertThat(launch("up").err()).contains("Building");
    Files.setLastModifiedTime(source, FileTime.from(Instant.EPOCH));
    assertThat(launch("up").err()).isEmpty();
    Files.delete(source);
    Files.setLastModifiedTime(source.getParent(), FileTime.from(Instant.now().plusSeconds(5)));
    assertThat(launch("up").err()).contains("Building");
  }

  @Test
  void aBuildThatFailsShowsItsLogAndRunsNothing() throws Exception {
    checkout("echo 'Grid.java:7: no semicolon'; exit 1");
    Ran ran = launch("up");
    assertThat(ran.exitCode()).isEqualTo(4);
    assertThat(ran.out()).isEmpty();
    assertThat(ran.err()).contains("Grid.java:7: no semicolon").contains("the build failed");
    assertThat(launch("up").exitCode()).as("it tries again").isEqualTo(4);
  }

  @Test
  void testRunsExactlyVerifyAndSumsUp() throws Exception {
    checkout(
        """
        echo "arguments: $*"
        mkdir -p live/target/surefire-reports
        echo '<testsuite name="A" time="1" tests="7" errors="1" skipped="2" failures="0">' \
          > live/target/surefire-reports/TEST-A.xml
        touch -d '+5 seconds' live/target/surefire-reports/TEST-A.xml 2>/dev/null
        exit 1
        """);
    Ran ran = launch("test", "-Dtest=A");
    assertThat(ran.exitCode()).isEqualTo(1);
    assertThat(ran.out())
        .contains("arguments: -B -ntp verify -Dsurefire.failIfNoSpecifiedTests=false -Dtest=A")
        .contains("Tests run: 7 in 1 classes, failures: 0, errors: 1, skipped: 2");
    assertThat(launch("test").out()).contains("arguments: -B -ntp verify\n");
  }

  private static final String BUILDS =
      """
      mkdir -p live/target/lib
      echo jar > live/target/live-1.jar
      """;

  /// A checkout with one source and a Maven of our choice; answers the source.
  private Path checkout(String maven) throws IOException {
    Path home = jdk("root/opt/jdk-25", "25.0.1");
    program(
        home.resolve("bin/java"),
        "#!/bin/sh\nfor argument in \"$@\"; do echo \"[$argument]\"; done\n");
    program(machine.resolve("mvnw"), "#!/bin/sh\n" + maven);
    Files.writeString(machine.resolve("pom.xml"), "<project/>");
    Path sources = Files.createDirectories(machine.resolve("live/src/main/java"));
    return Files.writeString(sources.resolve("Grid.java"), "class Grid {}");
  }

  private Path jdk(String place, String version) throws IOException {
    Path home = Files.createDirectories(machine.resolve(place));
    Files.createDirectories(home.resolve("bin"));
    Files.writeString(
        home.resolve("release"),
        "IMPLEMENTOR=\"Nobody\"\nJAVA_VERSION=\"" + version + "\"\nOS_NAME=\"Linux\"\n");
    for (String program : List.of("java", "javac")) {
      program(home.resolve("bin").resolve(program), "#!/bin/sh\n");
    }
    return home;
  }

  private static void program(Path file, String text) throws IOException {
    Files.writeString(file, text);
    assertThat(file.toFile().setExecutable(true)).isTrue();
  }

  private Ran launch(String... arguments) throws Exception {
    Path out = folder.resolve("out");
    Path err = folder.resolve("err");
    var command = new ArrayList<String>();
    command.add(launcher.toString());
    command.addAll(List.of(arguments));
    var builder =
        new ProcessBuilder(command)
            .directory(folder.toFile())
            .redirectOutput(out.toFile())
            .redirectError(err.toFile());
    builder.environment().clear();
    builder.environment().putAll(environment);
    Process process = builder.start();
    assertThat(process.waitFor(60, TimeUnit.SECONDS)).isTrue();
    return new Ran(
        process.exitValue(),
        Files.readString(out, StandardCharsets.UTF_8),
        Files.readString(err, StandardCharsets.UTF_8));
  }
}
