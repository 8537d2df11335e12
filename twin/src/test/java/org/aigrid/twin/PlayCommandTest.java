package org.aigrid.twin;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.io.PrintWriter;
import java.io.StringWriter;
import java.nio.file.Files;
import java.nio.file.Path;
import org.aigrid.twin.play.Policy;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class PlayCommandTest {
  @TempDir Path folder;

  private record Ran(int exitCode, String out, String err) {}

  private static Ran twin(String... arguments) {
    var out = new StringWriter();
    var err = new StringWriter();
    int exitCode =
        Main.commandLine()
            .setOut(new PrintWriter(out))
            .setErr(new PrintWriter(err))
            .execute(arguments);
    return new Ran(exitCode, out.toString(), err.toString());
  }

  @Test
  void aPlayPrintsARowForEachPolicyAndItsJsonIsTheSameByteForByte() throws IOException {
    Path first = folder.resolve("first.json");
    Path second = folder.resolve("second.json");
    for (Path file : new Path[] {first, second}) {
      Ran ran =
          twin(
              "play",
              "--cells=30",
              "--requests-per-second=60",
              "--seconds=15",
              "--seeds=2",
              "--crowd=40",
              "--json",
              file.toString());
      assertThat(ran.exitCode()).as(ran.err()).isZero();
      for (Policy policy : Policy.values()) {
        assertThat(ran.out()).contains("| " + policy.title() + " |");
      }
    }
    assertThat(Files.mismatch(first, second)).isEqualTo(-1);
  }

  @Test
  void whatCannotBePlayedIsToldInASentence() {
    assertThat(twin("play", "--cells", "3").err()).contains("grid twin: cells: 3 (expected");
    assertThat(twin("play", "--seconds", "5").err()).contains("expected: 1 or more, more than 10");
    assertThat(twin("play", "--requests-per-second", "0").exitCode()).isOne();
  }
}
