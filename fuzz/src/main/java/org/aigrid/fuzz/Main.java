package org.aigrid.fuzz;

import java.io.IOException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;

/// `./grid fuzz [TARGET] [--seconds N]`: one target, or all of them one after the other.
public final class Main {
  private static final int SECONDS_DEFAULT = 60;
  private static final int SECONDS_MAX = 7 * 24 * 3_600;
  private static final int BYTES_MAX = 16_384;

  private Main() {}

  public static void main(String[] arguments) throws IOException, InterruptedException {
    int seconds = SECONDS_DEFAULT;
    var targets = new ArrayList<Target>();
    for (int i = 0; i < arguments.length; i++) {
      String argument = arguments[i];
      if (argument.equals("--seconds") && i + 1 < arguments.length) {
        seconds = seconds(arguments[++i]);
      } else if (argument.equals("--help") || argument.equals("help")) {
        help();
        return;
      } else {
        targets.add(target(argument));
      }
    }
    Path root = Path.of(System.getProperty("grid.root", "."), "fuzz", "target", "fuzz");
    boolean found = false;
    for (Target target : targets.isEmpty() ? List.of(Target.values()) : targets) {
      Path folder = root.resolve(target.label()).toAbsolutePath();
      System.err.println("Fuzzing " + target.label() + " for " + seconds + " s: " + target.about());
      FuzzRun.Result result =
          new FuzzRun(target.type(), folder, seconds, BYTES_MAX).run(Seeds.of(target), true);
      boolean clean = result.exitCode() == 0;
      found |= !clean;
      System.out.println(
          target.label()
              + (clean
                  ? ": nothing found in " + seconds + " s"
                  : ": a finding; its input and what was thrown are above and in "
                      + folder.resolve("findings")));
    }
    if (found) {
      System.exit(1);
    }
  }

  private static Target target(String name) {
    for (Target target : Target.values()) {
      if (target.label().equals(name)) {
        return target;
      }
    }
    return refuse("no target '" + name + "' (./grid fuzz --help lists them)");
  }

  private static int seconds(String text) {
    if (text.matches("[0-9]{1,6}")) {
      int seconds = Integer.parseInt(text);
      if (seconds >= 1 && seconds <= SECONDS_MAX) {
        return seconds;
      }
    }
    return refuse("--seconds " + text + " (expected: 1 to " + SECONDS_MAX + ")");
  }

  private static <T> T refuse(String message) {
    System.err.println("grid: " + message);
    System.exit(2);
    throw new IllegalStateException(message);
  }

  private static void help() {
    System.out.println("Usage: ./grid fuzz [TARGET ...] [--seconds N]");
    System.out.println("Attacks what strangers can send, with coverage, each target for N seconds");
    System.out.println(
        "(60 if not said); exit code 1 and the input's place when something is found.");
    for (Target target : Target.values()) {
      System.out.printf("  %-8s %s%n", target.label(), target.about());
    }
  }
}
