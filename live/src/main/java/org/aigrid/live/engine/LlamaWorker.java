package org.aigrid.live.engine;

import java.io.BufferedReader;
import java.io.IOException;
import java.io.InputStreamReader;
import java.io.OutputStream;
import java.io.PrintStream;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.util.Map;
import java.util.concurrent.ConcurrentHashMap;
import org.aigrid.core.view.EndpointLoad;
import org.aigrid.live.gguf.GgufException;
import org.jspecify.annotations.Nullable;

/// The program that runs one llama.cpp engine for a `LlamaProcess`, over standard input and output.
/// It ends when its input does, so that it never outlives its owner.
final class LlamaWorker {
  private static final int LOAD_MS = 20;

  private final OutputStream out;
  private final Map<Long, Generation> open = new ConcurrentHashMap<>();

  private LlamaWorker(OutputStream out) {
    this.out = out;
  }

  /// @param args name, file, slots, context tokens, waiting at most, threads
  static void main(String... args) throws IOException {
    PrintStream protocol = System.out;
    System.setOut(System.err); // the library prints what it unpacks
    var worker = new LlamaWorker(protocol);
    LlamaEngine engine;
    try {
      engine =
          Niceness.call(
              Niceness.COMPUTES,
              () ->
                  new LlamaEngine(
                      args[0],
                      Path.of(args[1]),
                      Integer.parseInt(args[2]),
                      Integer.parseInt(args[3]),
                      Integer.parseInt(args[4]),
                      Integer.parseInt(args[5])));
    } catch (GgufException e) {
      worker.say(new WorkerMessage.NotLoaded(String.valueOf(e.getMessage())));
      Runtime.getRuntime().halt(1);
      return;
    }
    worker.say(new WorkerMessage.Ready());
    Thread.ofPlatform().daemon().name("load").start(() -> worker.tellLoad(engine));
    worker.serve(engine);
    Runtime.getRuntime().halt(0); // whatever still computes
  }

  private void serve(LlamaEngine engine) throws IOException {
    var in = new BufferedReader(new InputStreamReader(System.in, StandardCharsets.UTF_8));
    for (String line = in.readLine(); line != null; line = in.readLine()) {
      switch (WorkerMessage.parse(line)) {
        case WorkerMessage.Submit(long number, GenerationRequest request) -> {
          var sink = new Sink(number);
          Generation generation = engine.submit(request, sink);
          open.put(number, generation);
          if (sink.over) {
            open.remove(number);
          }
        }
        case WorkerMessage.Cancel(long number) -> {
          Generation generation = open.remove(number);
          if (generation == null) {
            say(new WorkerMessage.Gone(number));
          } else {
            generation.cancel(() -> say(new WorkerMessage.Gone(number)));
          }
        }
        case WorkerMessage other ->
            throw new IllegalStateException(
                other.getClass().getSimpleName() + " from the owner (expected: Submit, Cancel)");
      }
    }
  }

  private void tellLoad(LlamaEngine engine) {
    EndpointLoad told = null;
    while (true) {
      EndpointLoad load = engine.load();
      if (!load.equals(told)) {
        say(new WorkerMessage.Load(load));
        told = load;
      }
      try {
        Thread.sleep(LOAD_MS);
      } catch (InterruptedException e) {
        return;
      }
    }
  }

  /// One line at a time, in the order of the calls.
  private synchronized void say(WorkerMessage message) {
    try {
      out.write(message.line().getBytes(StandardCharsets.UTF_8));
      out.flush();
    } catch (IOException ownerGone) {
      Runtime.getRuntime().halt(2);
    }
  }

  private final class Sink implements TokenSink {
    private final long number;
    private volatile boolean over;

    Sink(long number) {
      this.number = number;
    }

    @Override
    public void onStart(int promptTokens, int cachedTokens) {
      say(new WorkerMessage.Started(number, promptTokens, cachedTokens));
    }

    @Override
    public void onText(String piece, int tokens, int @Nullable [] ids) {
      say(new WorkerMessage.Text(number, piece, tokens, ids));
    }

    @Override
    public void onEnd(FinishReason reason, Usage usage) {
      end(new WorkerMessage.Ended(number, reason, usage));
    }

    @Override
    public void onError(EngineFailure failure) {
      end(new WorkerMessage.Failed(number, failure));
    }

    private void end(WorkerMessage last) {
      over = true;
      open.remove(number);
      say(last);
    }
  }
}
