package org.aigrid.live.drill;

import java.io.BufferedReader;
import java.io.IOException;
import java.io.InputStreamReader;
import java.net.URI;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpResponse;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.SplittableRandom;
import java.util.TreeMap;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.ConcurrentLinkedQueue;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Semaphore;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicLong;
import java.util.concurrent.locks.LockSupport;
import org.jspecify.annotations.Nullable;

/// Streams at temperature 0 through a grid, each prompt first left alone and then, again and again,
/// while the grid is disturbed; and compares what their readers got.
///
/// Requests start by a clock and not when others end, as users do. Bound: `inFlightMax` under way;
/// beyond that a start is left out and counted.
public final class Drill implements AutoCloseable {
  /// What a drill sends. Immutable.
  ///
  /// @param url the grid's base
  /// @param key API key; null sends none
  /// @param model what is asked
  /// @param cells where callers stand, in turn; none leaves it to the grid
  /// @param plan which questions, and when
  /// @param inFlightMax streams under way at most
  /// @param seed of the prompts
  /// @param timeoutS after which an answer that has not begun, or at the end not ended, is given up
  public record Settings(
      URI url,
      @Nullable String key,
      String model,
      List<String> cells,
      DrillPlan plan,
      int inFlightMax,
      long seed,
      int timeoutS) {
    /// As above, with the usual patience.
    public Settings(
        URI url,
        @Nullable String key,
        String model,
        List<String> cells,
        DrillPlan plan,
        int inFlightMax,
        long seed) {
      this(url, key, model, cells, plan, inFlightMax, seed, TIMEOUT_S);
    }

    public Settings {
      cells = List.copyOf(cells);
      if (inFlightMax < 1 || timeoutS < 1) {
        throw new IllegalArgumentException(
            "drill: inFlightMax "
                + inFlightMax
                + ", timeoutS "
                + timeoutS
                + " (expected: 1 or more each)");
      }
    }
  }

  /// One stream of the disturbed part.
  ///
  /// @param site that answered first
  /// @param moves how often it went on elsewhere
  /// @param fault what its reader could have noticed; null when nothing
  /// @param gapMs the longest pause at a move
  public record Stream(String site, int moves, @Nullable String fault, double gapMs) {}

  private static final int TIMEOUT_S = 120;

  private final Settings settings;
  private final HttpClient http;
  private final ExecutorService threads = Executors.newVirtualThreadPerTaskExecutor();
  private final List<String> prompts = new ArrayList<>();
  private final List<StreamedAnswer> undisturbed = new ArrayList<>();
  private final ConcurrentLinkedQueue<Stream> streams = new ConcurrentLinkedQueue<>();
  private final ConcurrentHashMap<String, Integer> refusals = new ConcurrentHashMap<>();
  private final AtomicLong leftOut = new AtomicLong();

  public Drill(Settings settings) {
    this.settings = settings;
    http = HttpClient.newBuilder().version(HttpClient.Version.HTTP_1_1).build();
    var random = new SplittableRandom(settings.seed());
    for (DrillPlan.Question question : settings.plan().questions()) {
      var text = new StringBuilder("Tell me about number " + prompts.size() + ":");
      for (int word = 0; word < question.words(); word++) {
        text.append(' ').append(Integer.toString(random.nextInt(36 * 36 * 36), 36));
      }
      prompts.add(text.toString());
    }
  }

  /// Asks each prompt once and keeps the answer.
  ///
  /// @throws IOException when one fails: then there is nothing to compare with
  public void askUndisturbed() throws IOException, InterruptedException {
    for (int i = 0; i < prompts.size(); i++) {
      StreamedAnswer answer = ask(i, "");
      for (int again = 0; answer.fault(true) != null && again < 2; again++) {
        answer = ask(i, "");
      }
      if (answer.fault(true) != null) {
        throw new IOException("an undisturbed stream failed: " + answer.fault(true));
      }
      undisturbed.add(answer);
    }
  }

  /// Streams as planned; returns when the last has ended.
  public void run() throws InterruptedException {
    var room = new Semaphore(settings.inFlightMax());
    long begin = System.nanoTime();
    List<DrillPlan.Start> starts = settings.plan().starts();
    for (int i = 0; i < starts.size(); i++) {
      long at = begin + 1_000 * starts.get(i).atUs();
      for (long wait = at - System.nanoTime(); wait > 0; wait = at - System.nanoTime()) {
        LockSupport.parkNanos(wait);
      }
      if (!room.tryAcquire()) {
        leftOut.incrementAndGet();
        continue;
      }
      int prompt = starts.get(i).question();
      List<String> cells = settings.cells();
      String cell = cells.isEmpty() ? "" : cells.get(i % cells.size());
      threads.execute(
          () -> {
            try {
              streams.add(compare(prompt, ask(prompt, cell)));
            } catch (IOException e) {
              refusals.merge(String.valueOf(e.getMessage()), 1, Integer::sum);
            } catch (RuntimeException e) {
              streams.add(new Stream("", 0, "unreadable: " + e, 0));
            } catch (InterruptedException e) {
              Thread.currentThread().interrupt();
            } finally {
              room.release();
            }
          });
    }
    if (!room.tryAcquire(settings.inFlightMax(), settings.timeoutS(), TimeUnit.SECONDS)) {
      int hung = settings.inFlightMax() - room.availablePermits();
      for (int i = 0; i < hung; i++) {
        streams.add(new Stream("", 0, "never ended", 0));
      }
    }
  }

  private Stream compare(int prompt, StreamedAnswer answer) {
    StreamedAnswer alone = undisturbed.get(prompt);
    String fault = answer.fault(true);
    if (fault == null && !answer.text().equals(alone.text())) {
      fault = answer.moves() == 0 ? "another text without a move" : "another text";
    }
    if (fault == null
        && (answer.promptTokens() != alone.promptTokens()
            || answer.completionTokens() != alone.completionTokens())) {
      fault = "usage " + answer.promptTokens() + " + " + answer.completionTokens();
    }
    return new Stream(answer.site(), answer.moves(), fault, answer.moveGapMsMost());
  }

  private StreamedAnswer ask(int prompt, String cell) throws IOException, InterruptedException {
    String body =
        "{\"model\":\""
            + settings.model()
            + "\",\"temperature\":0,\"seed\":1,\"stream\":true,\"ignore_eos\":true,"
            + "\"stream_options\":{\"include_usage\":true},\"max_tokens\":"
            + settings.plan().questions().get(prompt).tokens()
            + ",\"messages\":[{\"role\":\"user\",\"content\":\""
            + prompts.get(prompt)
            + "\"}]}";
    HttpRequest.Builder request =
        HttpRequest.newBuilder(settings.url().resolve("/v1/chat/completions"))
            .timeout(Duration.ofSeconds(settings.timeoutS()))
            .header("content-type", "application/json")
            .POST(HttpRequest.BodyPublishers.ofString(body));
    if (settings.key() != null) {
      request.header("authorization", "Bearer " + settings.key());
    }
    if (!cell.isEmpty()) {
      request.header("x-grid-cell", cell);
    }
    HttpResponse<java.io.InputStream> response =
        http.send(request.build(), HttpResponse.BodyHandlers.ofInputStream());
    try (var lines =
        new BufferedReader(new InputStreamReader(response.body(), StandardCharsets.UTF_8))) {
      if (response.statusCode() != 200) {
        throw new IOException("status " + response.statusCode());
      }
      return StreamedAnswer.read(lines, response.headers().firstValue("x-grid-site").orElse(""));
    }
  }

  /// The streams that have ended.
  public List<Stream> streams() {
    return List.copyOf(streams);
  }

  /// Requests that were refused before a stream began, by what was answered.
  public Map<String, Integer> refusals() {
    return new TreeMap<>(refusals);
  }

  /// Streams that were not begun because too many were under way.
  public long leftOut() {
    return leftOut.get();
  }

  @Override
  public void close() {
    threads.shutdownNow();
    http.shutdownNow();
  }
}
