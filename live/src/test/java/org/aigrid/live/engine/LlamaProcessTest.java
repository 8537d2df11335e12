package org.aigrid.live.engine;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.locks.LockSupport;
import java.util.function.BooleanSupplier;
import org.aigrid.live.gguf.GgufException;
import org.aigrid.live.gguf.TinyModel;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.condition.EnabledOnOs;
import org.junit.jupiter.api.condition.OS;
import org.junit.jupiter.api.io.TempDir;

@Timeout(120)
class LlamaProcessTest {
  @TempDir Path folder;

  private LlamaProcess start(String name) throws Exception {
    Path file = folder.resolve("tiny.gguf");
    TinyModel.write(file, 1);
    return new LlamaProcess(name, file, 2, 2_048, 4, 1);
  }

  private List<String> command(String name) throws Exception {
    Path file = folder.resolve("tiny.gguf");
    TinyModel.write(file, 1);
    return LlamaProcess.command(name, file, 2, 2_048, 4, 1);
  }

  private static GenerationRequest ask(int number, int max) {
    var message = new GenerationRequest.Message("user", "tell me of " + number);
    return new GenerationRequest(
        "r",
        "t",
        new GenerationRequest.Prompt.Chat(List.of(message)),
        max,
        new GenerationRequest.Sampling(0.0, null, null, null, null),
        List.of(),
        true,
        null,
        null);
  }

  private static String text(int number, int tokens) {
    return TinyModel.text(1, "user: tell me of " + number + "\nassistant: ", tokens);
  }

  @Test
  void severalEnginesThatBatchAtOnceDoNotSpoilEachOther() throws Exception {
    try (var one = start("one");
        var two = start("two")) {
      var asked = new ArrayList<Collected>();
      for (int i = 0; i < 8; i++) {
        var sink = new Collected();
        asked.add(sink);
        (i % 2 == 0 ? one : two).submit(ask(i, 500), sink);
      }
      for (int i = 0; i < asked.size(); i++) {
        assertThat(asked.get(i).usage().outputTokens()).isEqualTo(500);
        assertThat(asked.get(i).text.toString()).as("stream %d", i).isEqualTo(text(i, 500));
        assertThat(asked.get(i).ids).hasSize(500);
      }
    }
  }

  @Test
  void aProcessThatDiesFailsItsStreamsAndComesBack() throws Exception {
    try (var engine = start("tiny")) {
      var sink = new Collected();
      engine.submit(ask(1, 1_900), sink);
      until(() -> sink.pieces > 3);
      ProcessHandle.of(engine.processId()).orElseThrow().destroyForcibly();
      assertThat(sink.failure()).isInstanceOf(EngineFailure.Broken.class);
      assertThat(engine.load().running()).isZero();
      until(
          () -> {
            var again = new Collected();
            engine.submit(ask(2, 30), again);
            return again.end.join() instanceof Usage;
          });
    }
  }

  @Test
  void aCancelledGenerationLeavesAndSaysNoMore() throws Exception {
    try (var engine = start("tiny")) {
      var sink = new Collected();
      Generation generation = engine.submit(ask(1, 1_900), sink);
      until(() -> sink.pieces > 3);
      var gone = new CompletableFuture<Boolean>();
      generation.cancel(() -> gone.complete(true));
      assertThat(gone.get(10, TimeUnit.SECONDS)).isTrue();
      int heard = sink.pieces;
      until(() -> engine.load().running() == 0);
      assertThat(sink.pieces).isEqualTo(heard);
      assertThat(sink.end).isNotDone();
      var late = new CompletableFuture<Boolean>();
      generation.cancel(() -> late.complete(true));
      assertThat(late).isDone();
    }
  }

  @Test
  void whatHasToLeaveInTimeLeavesByItselfOrWithItsProcess() throws Exception {
    try (var engine = start("tiny")) {
      long id = engine.processId();
      var gone = new CompletableFuture<Boolean>();
      var sink = new Collected();
      Generation willing = engine.submit(ask(1, 1_900), sink);
      until(() -> sink.pieces > 3);
      willing.evict(5_000, () -> gone.complete(true));
      assertThat(gone.get(4, TimeUnit.SECONDS)).isTrue();
      assertThat(engine.processId()).isEqualTo(id);

      var victim = new Collected();
      var beside = new Collected();
      Generation stuck = engine.submit(ask(1, 1_900), victim);
      engine.submit(ask(2, 1_900), beside);
      until(() -> victim.pieces > 3 && beside.pieces > 3);
      new ProcessBuilder("kill", "-STOP", Long.toString(id)).start().waitFor();
      var goneToo = new CompletableFuture<Boolean>();
      stuck.evict(100, () -> goneToo.complete(true));
      assertThat(goneToo.get(10, TimeUnit.SECONDS)).isTrue();
      assertThat(beside.failure()).isInstanceOf(EngineFailure.Broken.class);
      assertThat(victim.end).isNotDone();
      assertThat(ProcessHandle.of(id).filter(ProcessHandle::isAlive)).isEmpty();
    }
  }

  @Test
  @EnabledOnOs(OS.LINUX)
  void whatComputesIsNicerThanWhatDecides() throws Exception {
    try (var engine = start("tiny")) {
      var niceness = new ArrayList<String>();
      Path threads = Path.of("/proc", Long.toString(engine.processId()), "task");
      try (var tasks = Files.newDirectoryStream(threads)) {
        for (Path task : tasks) {
          String stat = Files.readString(task.resolve("stat"));
          niceness.add(stat.substring(stat.lastIndexOf(')') + 2).split(" ")[16]);
        }
      }
      assertThat(niceness).contains("0", Integer.toString(Niceness.COMPUTES));
    }
  }

  @Test
  void closingFailsWhatIsUnderWay() throws Exception {
    var sink = new Collected();
    var after = new Collected();
    try (var engine = start("tiny")) {
      engine.submit(ask(1, 1_900), sink);
      until(() -> sink.pieces > 3);
      engine.close();
      engine.submit(ask(2, 10), after);
    }
    assertThat(sink.failure()).isInstanceOf(EngineFailure.Closed.class);
    assertThat(after.failure()).isInstanceOf(EngineFailure.Closed.class);
  }

  @Test
  void aWorkerThatDoesNotReadHoldsUpNobody() throws Exception {
    var engine = start("tiny");
    long id = engine.processId();
    try {
      String stop = Long.toString(id);
      assertThat(new ProcessBuilder("kill", "-STOP", stop).start().waitFor()).isZero();
      var refused = new Collected();
      var first = new Collected();
      var gone = new CompletableFuture<Boolean>();
      onAThread(
          () -> {
            Generation last = engine.submit(megabyteOf("first"), first);
            for (int i = 0; i < 100 && !refused.end.isDone(); i++) {
              Generation asked = engine.submit(megabyteOf("other"), refused);
              last = refused.end.isDone() ? last : asked;
            }
            last.cancel(() -> gone.complete(true));
          });
      assertThat(gone).as("what was never told is gone").isDone();
      assertThat(refused.failure()).isInstanceOf(EngineFailure.Saturated.class);
      assertThat(first.end).isNotDone();
      onAThread(engine::close);
      assertThat(first.failure()).isInstanceOf(EngineFailure.Closed.class);
      assertThat(ProcessHandle.of(id).filter(ProcessHandle::isAlive)).isEmpty();
    } finally {
      ProcessHandle.of(id).ifPresent(ProcessHandle::destroyForcibly);
    }
  }

  /// A blocked write hears no interrupt, so that the test's own thread may not do it.
  private static void onAThread(Runnable task) throws Exception {
    var done = new CompletableFuture<Void>();
    Thread.ofPlatform()
        .daemon()
        .start(
            () -> {
              task.run();
              done.complete(null);
            });
    done.get(20, TimeUnit.SECONDS);
  }

  /// A megabyte of prompt.
  private static GenerationRequest megabyteOf(String word) {
    return new GenerationRequest(
        "r",
        "t",
        new GenerationRequest.Prompt.Text((word + " ").repeat((1 << 20) / (word.length() + 1))),
        1,
        new GenerationRequest.Sampling(0.0, null, null, null, null),
        List.of(),
        true,
        null,
        null);
  }

  @Test
  void whatTheJvmWritesBetweenTheWorkersWordsIsSkipped() throws Exception {
    List<String> talkative = new ArrayList<>(command("tiny"));
    talkative.add(talkative.indexOf("-cp"), "-Xlog:gc*=debug:stdout");
    Path file = folder.resolve("tiny.gguf");
    try (var engine = new LlamaProcess("tiny", file, talkative, System.getenv())) {
      long id = engine.processId();
      var sink = new Collected();
      engine.submit(ask(1, 1_500), sink);
      assertThat(sink.usage().outputTokens()).isEqualTo(1_500);
      assertThat(engine.processId()).isEqualTo(id);
    }
  }

  @Test
  void theOptionsOfWhoeverStartsItAreNotTheWorkers() throws Exception {
    List<String> command = command("tiny");
    Path file = folder.resolve("tiny.gguf");
    for (String variable : List.of("JAVA_TOOL_OPTIONS", "_JAVA_OPTIONS", "JDK_JAVA_OPTIONS")) {
      var environment = new HashMap<>(System.getenv());
      environment.put(variable, "-XX:+NoSuchOptionThatEndsTheJvm");
      new LlamaProcess("tiny", file, command, environment).close();
    }
  }

  @Test
  void aMadProcessIsEndedBeforeTheNextBegins() throws Exception {
    Path file = folder.resolve("any");
    List<String> mad =
        List.of("sh", "-c", "echo '{\"is\":\"Ready\"}'; read -r line; echo '{'; exec sleep 600");
    try (var engine = new LlamaProcess("mad", file, mad, System.getenv())) {
      ProcessHandle first = ProcessHandle.of(engine.processId()).orElseThrow();
      var sink = new Collected();
      engine.submit(ask(1, 1), sink);
      assertThat(sink.failure()).isInstanceOf(EngineFailure.Broken.class);
      assertThat(first.isAlive()).isFalse();
      until(() -> engine.processId() > 0 && engine.processId() != first.pid());
    }
  }

  @Test
  void aFileThatIsNoModelIsRefusedWithItsName() throws Exception {
    Path bad = folder.resolve("bad.gguf");
    Files.writeString(bad, "no model");
    assertThatThrownBy(() -> new LlamaProcess("bad", bad, 1, 128, 1, 1))
        .isInstanceOf(GgufException.class)
        .hasMessageContaining("bad.gguf");
  }

  private static void until(BooleanSupplier condition) {
    long giveUp = System.nanoTime() + 60_000_000_000L;
    while (!condition.getAsBoolean()) {
      if (System.nanoTime() > giveUp) {
        throw new AssertionError("did not happen within 60 s");
      }
      LockSupport.parkNanos(1_000_000);
    }
  }
}
