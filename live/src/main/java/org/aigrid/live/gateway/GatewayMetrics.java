package org.aigrid.live.gateway;

import io.micrometer.core.instrument.Counter;
import io.micrometer.core.instrument.Gauge;
import io.micrometer.core.instrument.Timer;
import io.micrometer.core.instrument.binder.MeterBinder;
import io.micrometer.prometheusmetrics.PrometheusConfig;
import io.micrometer.prometheusmetrics.PrometheusMeterRegistry;
import java.time.Duration;
import java.util.HashMap;
import java.util.Locale;
import java.util.Map;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.TimeUnit;
import java.util.function.Supplier;
import java.util.function.ToIntFunction;
import org.aigrid.core.model.ServiceTier;
import org.jspecify.annotations.Nullable;

/// What the gateway counts. The three server metrics of OpenTelemetry's GenAI conventions that are
/// stable in practice, and `grid_*` for the rest. A label takes at most `LABEL_VALUES_MAX` values,
/// then `other`. Thread-safe; a finished request costs under a microsecond.
final class GatewayMetrics {
  /// Series per metric family at most.
  static final int LABEL_VALUES_MAX = 1_000;

  private static final Duration[] BUCKETS = {
    Duration.ofMillis(5), Duration.ofMillis(10), Duration.ofMillis(20), Duration.ofMillis(50),
    Duration.ofMillis(100), Duration.ofMillis(200), Duration.ofMillis(500), Duration.ofSeconds(1),
    Duration.ofSeconds(2), Duration.ofSeconds(5), Duration.ofSeconds(10), Duration.ofSeconds(30),
    Duration.ofSeconds(60)
  };

  private final PrometheusMeterRegistry registry =
      new PrometheusMeterRegistry(PrometheusConfig.DEFAULT);
  private final ConcurrentHashMap<String, ByModel> byModel = new ConcurrentHashMap<>();
  private final ConcurrentHashMap<String, Counter> counters = new ConcurrentHashMap<>();

  private final Timer gaps;

  /// How a wait ended.
  enum Waited {
    /// With a place.
    PLACED,
    /// Its time was over.
    TOO_LONG,
    /// It turned out that no site may or can.
    REFUSED,
    /// Too many waited already.
    FULL,
    CLIENT_GONE
  }

  private record Wait(ServiceTier tier, Waited how) {}

  private final Map<Wait, Timer> waits = new HashMap<>();

  private record ByModel(Timer firstToken, Timer perToken, Timer duration) {}

  GatewayMetrics(Supplier<Number> inFlight, ToIntFunction<ServiceTier> waiting) {
    for (ServiceTier tier : ServiceTier.values()) {
      String word = tier.name().toLowerCase(Locale.ROOT);
      Gauge.builder("grid_requests_waiting", tier, waiting::applyAsInt)
          .description("Requests that were let in and wait for a place")
          .tag("tier", word)
          .register(registry);
      for (Waited how : Waited.values()) {
        Timer timer =
            Timer.builder("grid_wait")
                .description("Time that requests waited for a place")
                .tag("tier", word)
                .tag("outcome", how.name().toLowerCase(Locale.ROOT))
                .serviceLevelObjectives(BUCKETS)
                .register(registry);
        waits.put(new Wait(tier, how), timer);
      }
    }
    Gauge.builder("grid_requests_in_flight", inFlight)
        .description("Requests under way at sites")
        .register(registry);
    gaps =
        Timer.builder("grid_move_gap")
            .description("Pause that a client sees when its stream moves")
            .serviceLevelObjectives(BUCKETS)
            .register(registry);
  }

  /// More meters, of what belongs to the gateway's process.
  void measure(MeterBinder more) {
    more.bindTo(registry);
  }

  /// Prometheus text.
  String scrape() {
    return registry.scrape();
  }

  void finished(
      String operation,
      @Nullable String model,
      String outcome,
      int status,
      long durationNanos,
      long firstTokenNanos,
      int outputTokens) {
    ByModel timers = timers(operation, model == null ? "none" : model);
    timers.duration.record(durationNanos, TimeUnit.NANOSECONDS);
    if (firstTokenNanos > 0) {
      timers.firstToken.record(firstTokenNanos, TimeUnit.NANOSECONDS);
      if (outputTokens > 1) {
        timers.perToken.record(
            (durationNanos - firstTokenNanos) / (outputTokens - 1), TimeUnit.NANOSECONDS);
      }
    }
    count("grid_requests", 1, "outcome", outcome, "status", statusText(status));
  }

  void tokens(String tenant, String model, String site, long prompt, long cached, long completion) {
    count("grid_tokens", prompt, "tenant", tenant, "model", model, "site", site, "kind", "prompt");
    if (cached > 0) {
      count(
          "grid_tokens", cached, "tenant", tenant, "model", model, "site", site, "kind", "cached");
    }
    count(
        "grid_tokens",
        completion,
        "tenant",
        tenant,
        "model",
        model,
        "site",
        site,
        "kind",
        "completion");
  }

  void waited(ServiceTier tier, Waited how, long nanos) {
    Timer timer = waits.get(new Wait(tier, how));
    if (timer != null) {
      timer.record(nanos, TimeUnit.NANOSECONDS);
    }
  }

  void retried(String failure) {
    count("grid_retries", 1, "failure", failure);
  }

  /// A stream goes on at another site.
  ///
  /// @param gapNanos from the last byte of the one to the first of the other
  void moved(String why, long gapNanos) {
    count("grid_moves", 1, "why", why);
    gaps.record(gapNanos, TimeUnit.NANOSECONDS);
  }

  /// A stream ended before its end.
  ///
  /// @param why it could not go on
  void broken(String why) {
    count("grid_broken_streams", 1, "why", why);
  }

  /// The caller of a session is at another cell.
  ///
  /// @param by what told of it: `notice` or `request`
  void cellChanged(String by) {
    count("grid_handovers", 1, "by", by);
  }

  /// A stream stays where it is although its caller has moved.
  void kept(String why) {
    count("grid_kept_streams", 1, "why", why);
  }

  /// A prompt was to be computed ahead.
  void prewarmed(String outcome) {
    count("grid_prewarms", 1, "outcome", outcome);
  }

  /// What a pre-warm computed: a cost of the grid, of no tenant's.
  void prewarmedTokens(String model, String site, int tokens) {
    count("grid_prewarm_tokens", tokens, "model", model, "site", site);
  }

  /// The first turn after a pre-warm has ended.
  ///
  /// @param hit whether it ran where the prompt had been computed, and that was still there
  void prewarmUsed(boolean hit) {
    count("grid_prewarm_turns", 1, "hit", Boolean.toString(hit));
  }

  void hedged() {
    count("grid_hedges", 1);
  }

  private ByModel timers(String operation, String model) {
    String key = operation + '|' + model;
    ByModel known = byModel.get(key);
    if (known != null) {
      return known;
    }
    String label = byModel.size() < LABEL_VALUES_MAX ? model : "other";
    return byModel.computeIfAbsent(
        operation + '|' + label,
        k ->
            new ByModel(
                timer("gen_ai.server.time_to_first_token", operation, label),
                timer("gen_ai.server.time_per_output_token", operation, label),
                timer("gen_ai.server.request.duration", operation, label)));
  }

  private Timer timer(String name, String operation, String model) {
    return Timer.builder(name)
        .description(describe(name))
        .tag("gen_ai.operation.name", operation)
        .tag("gen_ai.provider.name", "ai_grid")
        .tag("gen_ai.request.model", model)
        .serviceLevelObjectives(BUCKETS)
        .register(registry);
  }

  private void count(String name, double amount, String... labels) {
    String key = name + String.join("|", labels);
    Counter known = counters.get(key);
    if (known == null) {
      if (counters.size() >= LABEL_VALUES_MAX) {
        for (int i = 1; i < labels.length; i += 2) {
          labels[i] = "other";
        }
        key = name + String.join("|", labels);
      }
      known =
          counters.computeIfAbsent(
              key,
              k ->
                  Counter.builder(name)
                      .description(describe(name))
                      .tags(labels)
                      .register(registry));
    }
    known.increment(amount);
  }

  private static String describe(String name) {
    return switch (name) {
      case "gen_ai.server.time_to_first_token" ->
          "From the request's end to the answer's first byte";
      case "gen_ai.server.time_per_output_token" -> "Mean time between the tokens of an answer";
      case "gen_ai.server.request.duration" -> "From the request's end to the answer's";
      case "grid_requests" -> "Requests that have ended, by outcome";
      case "grid_tokens" -> "Tokens used; kind cached is a part of kind prompt";
      case "grid_moves" -> "Streams that went on at another site, by why they left the last";
      case "grid_broken_streams" -> "Streams that ended before their end, by why they had to";
      case "grid_handovers" -> "Sessions whose caller is at another cell, by what told of it";
      case "grid_kept_streams" -> "Streams that stayed when their caller had moved, by why";
      case "grid_prewarms" -> "Prompts to be computed ahead, by what came of it";
      case "grid_prewarm_tokens" -> "Prompt tokens computed ahead: cost, charged to nobody";
      case "grid_prewarm_turns" -> "Turns after a pre-warm, by whether it served them";
      case "grid_hedges" -> "Requests near their deadline that were sent a second time";
      case "grid_retries" -> "Requests that went on at another site, by what failed";
      default -> "";
    };
  }

  private static String statusText(int status) {
    return switch (status) {
      case 200 -> "200";
      case 400 -> "400";
      case 401 -> "401";
      case 403 -> "403";
      case 404 -> "404";
      case 429 -> "429";
      case 499 -> "499";
      case 502 -> "502";
      case 503 -> "503";
      case 504 -> "504";
      default -> status / 100 + "xx";
    };
  }
}
