package org.aigrid.bench;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.Set;
import java.util.TreeSet;
import java.util.regex.Pattern;
import java.util.stream.Collectors;
import org.aigrid.live.up.GridCommand;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.TestReporter;
import picocli.CommandLine;
import picocli.CommandLine.Model.OptionSpec;

/// Lints the repository: what a reviewer would otherwise have to look at by eye each time.
class TidyTest {
  /// Above this a file is listed (not failed) unless its doc says why it is long.
  private static final int LONG_FILE_LINES = 500;

  /// Words in a long file's documentation that count as its reason.
  private static final Pattern REASON = Pattern.compile("(?m)^///.*\\b[Ll]ong because\\b");

  private final Repository repository = Repository.open();

  @Test
  void everyPackageSaysWhatItIs() {
    Set<Path> packages =
        repository.endingWith(".java").stream()
            .filter(file -> repository.relative(file).contains("src/main/java"))
            // fuzz targets stand in the packages of what they attack
            .filter(
                file -> !repository.relative(file).startsWith("fuzz/src/main/java/org/aigrid/live"))
            .map(Path::getParent)
            .collect(Collectors.toCollection(TreeSet::new));
    var silent = new ArrayList<String>();
    for (Path folder : packages) {
      Path info = folder.resolve("package-info.java");
      if (!Files.exists(info)
          || !Pattern.compile("(?m)^/// \\S+ \\S+").matcher(text(info)).find()) {
        silent.add(repository.relative(folder) + " (expected: package-info.java with a /// doc)");
      }
    }
    assertThat(silent).isEmpty();
  }

  @Test
  void everyRelativeLinkLeadsSomewhere() {
    var broken = new ArrayList<String>();
    for (Path page : repository.endingWith(".md")) {
      for (String link : new Markdown(text(page)).links()) {
        if (!link.matches("(?i)[a-z][a-z0-9+.-]*:.*") && !leadsSomewhere(page, link)) {
          broken.add(repository.relative(page) + " -> " + link);
        }
      }
    }
    assertThat(broken).isEmpty();
  }

  private static boolean leadsSomewhere(Path page, String link) {
    int hash = link.indexOf('#');
    String file = hash < 0 ? link : link.substring(0, hash);
    Path target = file.isEmpty() ? page : page.resolveSibling(file).normalize();
    if (!Files.exists(target)) {
      return false;
    }
    return hash < 0
        || !target.toString().endsWith(".md")
        || new Markdown(text(target)).anchors().contains(link.substring(hash + 1));
  }

  @Test
  void everyCommandShownExists() {
    var wrong = new ArrayList<String>();
    for (Path page : repository.endingWith(".md")) {
      for (String call : new Markdown(text(page)).gridCalls()) {
        problemOf(call).ifPresent(why -> wrong.add(repository.relative(page) + ": " + why));
      }
    }
    assertThat(wrong).isEmpty();
  }

  /// What is wrong with the words behind `./grid`, judged by the same parsers that would read them.
  private static Optional<String> problemOf(String call) {
    List<String> words = List.of(call.split("\\s+"));
    return switch (words.getFirst()) {
      case "", "help", "jdk", "test", "fuzz", "sbom" -> Optional.empty(); // done by the launcher
      case "bench" -> problemOf(Main.commandLine(), words, 1, call);
      case "twin" -> problemOf(org.aigrid.twin.Main.commandLine(), words, 1, call);
      default -> problemOf(new CommandLine(new GridCommand()), words, 0, call);
    };
  }

  private static Optional<String> problemOf(
      CommandLine top, List<String> words, int from, String call) {
    CommandLine command = top;
    for (int i = from; i < words.size(); i++) {
      String word = words.get(i);
      if (word.startsWith("-") && word.length() > 1) {
        OptionSpec option = command.getCommandSpec().findOption(word.split("=", 2)[0]);
        if (option == null) {
          return Optional.of("no option " + word + " in './grid " + call + "'");
        }
        i += word.contains("=") || option.arity().min() == 0 ? 0 : 1;
      } else if (command.getSubcommands().containsKey(word)) {
        command = command.getSubcommands().get(word);
      } else if (command.getCommandSpec().positionalParameters().isEmpty()
          && !word.matches("[A-Z]+")) {
        return Optional.of("no command " + word + " in './grid " + call + "'");
      }
    }
    return Optional.empty();
  }

  @Test
  void noFileNamesTheMachineItWasWrittenOn() {
    // Put together here so that this file does not contain what it looks for.
    Pattern places =
        Pattern.compile(
            "(?<![\\w./:-])/(wo" + "rk|ro" + "ot|ho" + "me/[a-z]+)/|registry\\.npm" + "js\\.org");
    var found = new ArrayList<String>();
    for (Path file : repository.files()) {
      textIfAny(file)
          .lines()
          .filter(line -> places.matcher(line).find())
          .findFirst()
          .ifPresent(line -> found.add(repository.relative(file) + ": " + line.strip()));
    }
    assertThat(found).isEmpty();
  }

  @Test
  void noSourceSaysThatItIsUnfinished() {
    Pattern unfinished = Pattern.compile("\\b(TO" + "DO|FIX" + "ME|XX" + "X)\\b|written ne" + "xt");
    var found = new ArrayList<String>();
    for (Path file : repository.endingWith(".java", ".mjs", ".md", ".sh")) {
      text(file)
          .lines()
          .filter(line -> unfinished.matcher(line).find())
          .findFirst()
          .ifPresent(line -> found.add(repository.relative(file) + ": " + line.strip()));
    }
    assertThat(found).isEmpty();
  }

  /// A report, not a limit: the list is printed with the test's results.
  @Test
  void listsLongFilesThatGiveNoReason(TestReporter reporter) {
    for (Path file : repository.endingWith(".java")) {
      long lines = text(file).lines().count();
      if (lines > LONG_FILE_LINES && !REASON.matcher(text(file)).find()) {
        reporter.publishEntry("long file", repository.relative(file) + ": " + lines + " lines");
      }
    }
  }

  private static String text(Path file) {
    return Repository.text(file);
  }

  /// The file's text, or nothing when it is binary.
  private static String textIfAny(Path file) {
    try {
      byte[] bytes = Files.readAllBytes(file);
      for (int i = 0; i < Math.min(bytes.length, 8_000); i++) {
        if (bytes[i] == 0) {
          return "";
        }
      }
      return new String(bytes, StandardCharsets.UTF_8);
    } catch (IOException e) {
      throw new java.io.UncheckedIOException(e);
    }
  }
}
