package org.aigrid.live.radio;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.catchThrowable;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.FileTime;
import java.time.Instant;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.concurrent.TimeUnit;
import java.util.function.BooleanSupplier;
import org.aigrid.core.node.JobNotice;
import org.aigrid.live.radio.BatchJobs.Signal;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

/// Real children that save their work, and the signals that a job really gets.
@Timeout(60)
class BatchJobsTest {
  private static final JobNotice.Settings NOTICE = new JobNotice.Settings(0.3, 80, 200);

  /// Writes its turns into `turns`, leads a helper, and saves at USR1. Starts nothing in a turn: a
  /// shell that is stopped while it starts a program may show as D and not as T.
  private static final String JOB =
      """
      trap 'echo saved >> saved' USR1
      sleep 300 &
      echo $! > helper
      echo $$ > job.pid
      while :; do echo >> turns; done
      """;

  @TempDir Path folder;
  private final List<Process> children = new ArrayList<>();

  @BeforeEach
  void onlyWhereProcessesCanBeLookedAt() {
    assumeTrue(Files.exists(Path.of("/proc/self/stat")), "needs the /proc of Linux");
  }

  @AfterEach
  void endChildren() throws Exception {
    for (Process child : children) {
      child.descendants().forEach(ProcessHandle::destroyForcibly);
      child.destroyForcibly().waitFor();
    }
  }

  @Test
  void aJobIsToldToSaveItsWorkIsStoppedAndGoesOn() throws Exception {
    start("setsid", "sh", "-c", JOB);
    until(() -> exists("job.pid") && exists("turns"));
    long pid = number("job.pid");
    long helper = number("helper");
    try (var jobs = new BatchJobs(settings(true))) {
      jobs.give(0.9);
      Thread.sleep(2 * NOTICE.calmMs());
      until(() -> state(pid) != 'T');
      Files.deleteIfExists(folder.resolve("saved")); // what the beginning may have asked for

      jobs.give(0.1);
      until(() -> state(pid) == 'T' && state(helper) == 'T');
      long turns = Files.size(folder.resolve("turns"));
      jobs.give(0.3);
      until(() -> state(pid) != 'T' && state(helper) != 'T');
      until(() -> folder.resolve("turns").toFile().length() > turns && exists("saved"));
      assertThat(Files.readString(folder.resolve("saved"))).as("told once").isEqualTo("saved\n");
    }
  }

  @Test
  void aDipThatIsOverWithinTheGraceOnlySavesWork() throws Exception {
    start("setsid", "sh", "-c", JOB);
    until(() -> exists("job.pid") && exists("turns"));
    List<String> ran = new CopyOnWriteArrayList<>();
    try (var jobs = recording(settings(new JobNotice.Settings(0.3, 5_000, 100)), ran)) {
      until(() -> ran.size() == 1);
      jobs.give(0.5);
      Thread.sleep(300); // longer than the calm
      jobs.give(0.2);
      until(() -> ran.size() == 2);
    }
    long pid = number("job.pid");
    assertThat(ran).containsExactly("kill -s USR1 -- " + pid, "kill -s USR1 -- " + pid);
  }

  @Test
  void theRadioHasTheGpuUntilSomebodySaysOtherwise() throws Exception {
    start("setsid", "sh", "-c", JOB);
    until(() -> exists("job.pid") && exists("turns"));
    long pid = number("job.pid");
    var jobs = new BatchJobs(settings(true));
    until(() -> state(pid) == 'T');
    jobs.close();
    assertThat(state(pid)).as("nobody is left who could let it go on").isNotEqualTo('T');
    until(() -> exists("saved"));
  }

  @Test
  void aJobThatBeginsWhileTheRadioHasTheGpuIsStoppedToo() throws Exception {
    try (var jobs = new BatchJobs(settings(true))) {
      Thread.sleep(2 * NOTICE.graceMs()); // there is no job yet
      start("setsid", "sh", "-c", JOB);
      until(() -> exists("job.pid"));
      long first = number("job.pid");
      until(() -> state(first) == 'T');
      Files.delete(folder.resolve("job.pid"));
      start("setsid", "sh", "-c", JOB);
      until(() -> exists("job.pid"));
      long second = number("job.pid");
      until(() -> state(second) == 'T');
      assertThat(state(first)).isEqualTo('T');
      jobs.give(1);
      until(() -> state(first) != 'T' && state(second) != 'T');
    }
  }

  @Test
  void whoDoesNotCatchTheSignalIsStoppedWithoutIt() throws Exception {
    Process child = start("sleep", "300");
    name(child.pid());
    List<String> ran = new CopyOnWriteArrayList<>();
    try (var jobs = recording(settings(NOTICE), ran)) {
      until(() -> !ran.isEmpty());
      jobs.give(1);
      until(() -> ran.size() == 2);
    }
    assertThat(ran)
        .as("and alone, since it leads no group")
        .containsExactly("kill -s STOP -- " + child.pid(), "kill -s CONT -- " + child.pid());
  }

  @Test
  void theGridNeverStopsItsOwnProcessGroup() throws Exception {
    String[] stat = Files.readString(Path.of("/proc/self/stat")).split(" ");
    long leader = Long.parseLong(stat[4]);
    assumeTrue(leader != ProcessHandle.current().pid() && ProcessHandle.of(leader).isPresent());
    name(leader);
    assertThat(ranAtTheEndOfTheGrace())
        .contains("kill -s STOP -- " + leader)
        .noneMatch(command -> command.contains("-- -"));
  }

  @Test
  void aFileThatNamesNoJobIsNothingToDo() throws Exception {
    Process ended = start("true");
    ended.waitFor();
    Process stranger = start("sleep", "300");
    for (String text :
        List.of(
            "",
            "soon",
            "-1",
            "0",
            "1",
            "99999999999999999999",
            Long.toString(ProcessHandle.current().pid()),
            Long.toString(ended.pid()))) {
      Files.writeString(folder.resolve("job.pid"), text);
      assertThat(ranAtTheEndOfTheGrace()).as("'%s'", text).isEmpty();
    }
    name(stranger.pid());
    Files.setLastModifiedTime(
        folder.resolve("job.pid"), FileTime.from(Instant.now().minusSeconds(3_600)));
    assertThat(ranAtTheEndOfTheGrace()).as("a number that is another's by now").isEmpty();
    Files.delete(folder.resolve("job.pid"));
    assertThat(ranAtTheEndOfTheGrace()).as("no file").isEmpty();
    name(stranger.pid());
    assertThat(ranAtTheEndOfTheGrace()).as("the same with a file of today").hasSize(2);
  }

  @Test
  void whatCannotBeStoppedIsTriedAgainButNotAtEachLook() throws Exception {
    Process child = start("sleep", "300");
    name(child.pid());
    List<String> ran = new CopyOnWriteArrayList<>();
    var jobs =
        new BatchJobs(
            settings(NOTICE),
            words -> {
              ran.add(words.getLast());
              return false;
            });
    until(() -> ran.size() == 2);
    Thread.sleep(10 * BatchJobs.LOOK_MS);
    assertThat(ran).as("a second apart").hasSizeLessThan(4);
    jobs.close();
    assertThat(ran).as("never resumed what was not stopped").noneMatch(c -> c.contains("CONT"));
  }

  @Test
  void aDryRunRunsNothing() throws Exception {
    start("setsid", "sh", "-c", JOB);
    until(() -> exists("job.pid") && exists("turns"));
    var usual = settings(true);
    try (var jobs =
        new BatchJobs(new BatchJobs.Settings(usual.pidFile(), true, Signal.USR1, NOTICE, true))) {
      jobs.give(0.1);
      for (int i = 0; i < 30; i++) {
        assertThat(state(number("job.pid"))).isNotEqualTo('T');
        Thread.sleep(10);
      }
    }
    assertThat(exists("saved")).isFalse();
  }

  @Test
  void aSplitAndAnotherAreBothGivenAndBothClosed() {
    var calls = new ArrayList<String>();
    class Noted implements GpuSplit {
      private final String name;

      Noted(String name) {
        this.name = name;
      }

      @Override
      public void give(double aiShare) {
        calls.add(name + " " + aiShare);
      }

      @Override
      public void close() {
        calls.add(name + " closed");
        throw new IllegalStateException(name);
      }
    }
    GpuSplit both = new Noted("one").and(new Noted("two"));
    both.give(0.5);
    assertThat(catchThrowable(both::close)).isInstanceOf(IllegalStateException.class);
    assertThat(calls).containsExactly("one 0.5", "two 0.5", "one closed", "two closed");
  }

  /// What was run of a job that AI has nothing for.
  private List<String> ranAtTheEndOfTheGrace() throws Exception {
    List<String> ran = new CopyOnWriteArrayList<>();
    BatchJobs jobs = recording(settings(new JobNotice.Settings(0.3, 1, 200)), ran);
    Thread.sleep(4 * BatchJobs.LOOK_MS);
    jobs.close();
    return List.copyOf(ran);
  }

  private static BatchJobs recording(BatchJobs.Settings settings, List<String> ran) {
    return new BatchJobs(settings, words -> ran.add(words.getLast()));
  }

  private BatchJobs.Settings settings(boolean group) {
    return new BatchJobs.Settings(folder.resolve("job.pid"), group, Signal.USR1, NOTICE, false);
  }

  private BatchJobs.Settings settings(JobNotice.Settings notice) {
    return new BatchJobs.Settings(folder.resolve("job.pid"), true, Signal.USR1, notice, false);
  }

  private Process start(String... words) throws IOException {
    Process child =
        new ProcessBuilder(words)
            .directory(folder.toFile())
            .redirectErrorStream(true)
            .redirectOutput(ProcessBuilder.Redirect.DISCARD)
            .start();
    children.add(child);
    return child;
  }

  private void name(long pid) throws IOException {
    Files.writeString(folder.resolve("job.pid"), pid + "\n");
  }

  private boolean exists(String file) {
    try {
      return Files.size(folder.resolve(file)) > 0;
    } catch (IOException e) {
      return false;
    }
  }

  private long number(String file) {
    try {
      return Long.parseLong(Files.readString(folder.resolve(file)).strip());
    } catch (IOException e) {
      throw new AssertionError(e);
    }
  }

  /// What `/proc` says of a process: T where it is stopped.
  private static char state(long pid) {
    try {
      String stat = Files.readString(Path.of("/proc", Long.toString(pid), "stat"));
      return stat.charAt(stat.lastIndexOf(')') + 2);
    } catch (IOException e) {
      return '?';
    }
  }

  private static void until(BooleanSupplier condition) throws InterruptedException {
    long giveUp = System.nanoTime() + 20_000_000_000L;
    while (!condition.getAsBoolean()) {
      if (System.nanoTime() > giveUp) {
        throw new AssertionError("did not happen within 20 s");
      }
      TimeUnit.MILLISECONDS.sleep(2);
    }
  }
}
