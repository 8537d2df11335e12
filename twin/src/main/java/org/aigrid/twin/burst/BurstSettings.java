package org.aigrid.twin.burst;

import org.aigrid.core.engine.EngineProfile;
import org.aigrid.core.engine.EngineProfiles;
import org.aigrid.core.model.EndpointSpec;
import org.aigrid.core.model.EngineKind;
import org.aigrid.twin.country.Known;
import org.aigrid.twin.demand.Lengths;

/// What all arms of the experiment have in common, and what sets them apart. Immutable; what cannot
/// be played is an `IllegalArgumentException` that says what was expected.
///
/// @param engines the GPUs, the same in each arm
/// @param traffic what is asked of them
/// @param bounds what counts as in time
/// @param siteRoundTripMs from a caller to the nearest of the sites
/// @param neighbourMs more, to another of them
/// @param seconds that each play lasts, the first fifth a warm-up that does not count
public record BurstSettings(
    Engines engines,
    Traffic traffic,
    Bounds bounds,
    double siteRoundTripMs,
    double neighbourMs,
    double seconds) {
  /// The GPUs.
  ///
  /// @param model that all of them serve, by name
  /// @param accelerator that all of them are, by name
  /// @param gpus as many in the one place as there are sites with one each, 1 to 8
  /// @param sequencesMax that one engine runs at once
  public record Engines(String model, String accelerator, int gpus, int sequencesMax) {
    public Engines {
      require(gpus >= 1 && gpus <= 8, "gpus", gpus, "1 to 8");
      require(
          sequencesMax >= 1 && sequencesMax <= 8_192, "sequencesMax", sequencesMax, "1 to 8192");
      profile(model, accelerator, sequencesMax); // says what it does not know, or what does not fit
    }

    /// Timings of one of them.
    public EngineProfile profile() {
      return profile(model, accelerator, sequencesMax);
    }

    private static EngineProfile profile(String model, String accelerator, int sequencesMax) {
      return EngineProfiles.of(spec(model, accelerator, 1, sequencesMax));
    }

    EndpointSpec endpoint(int replicas) {
      return spec(model, accelerator, replicas, sequencesMax);
    }

    private static EndpointSpec spec(
        String model, String accelerator, int replicas, int sequencesMax) {
      return new EndpointSpec(
          Known.model(model),
          EngineKind.EMULATED,
          Known.accelerator(accelerator),
          replicas,
          sequencesMax);
    }
  }

  /// Requests.
  ///
  /// @param prompt tokens
  /// @param answer tokens
  /// @param burstiness coefficient of variation of the gaps between the requests of all sites
  ///   together: 1 is Poisson
  public record Traffic(Lengths prompt, Lengths answer, double burstiness) {
    public Traffic {
      require(burstiness > 0 && burstiness <= 100, "burstiness", burstiness, "above 0 to 100");
    }
  }

  /// What counts as in time.
  ///
  /// @param firstTokenMs from the end of the caller's words to the first token, at the caller
  /// @param pipelineMs of these, what other work than this model's takes: noticing the end of
  ///   speech, speech to text, text to speech
  /// @param tpotMs each further token's bound, on average over an answer
  /// @param metLeast share of requests that must be in time, between 0 and 1
  /// @param waitMs core's router refuses what it expects to wait longer in a queue than this, or
  ///   than all of what is left of `firstTokenMs`: a caller's deadline, as the live grid hands it
  ///   on
  /// @param lessTrip whether it is told that deadline less the round trip to the arm's GPUs, as a
  ///   gateway would be that counts its network
  public record Bounds(
      double firstTokenMs,
      double pipelineMs,
      double tpotMs,
      double metLeast,
      double waitMs,
      boolean lessTrip) {
    public Bounds {
      require(
          firstTokenMs >= 1 && firstTokenMs <= 3.6e6, "firstTokenMs", firstTokenMs, "1 to 3.6e6");
      require(
          pipelineMs >= 0 && pipelineMs < firstTokenMs,
          "pipelineMs",
          pipelineMs,
          "0 or more, less than the bound of " + firstTokenMs);
      require(tpotMs > 0, "tpotMs", tpotMs, "above 0");
      require(metLeast > 0 && metLeast < 1, "metLeast", metLeast, "between 0 and 1");
      require(waitMs >= 1, "waitMs", waitMs, "1 or more");
      require(firstTokenMs - pipelineMs >= 1, "pipelineMs", pipelineMs, "1 ms less than the bound");
    }

    /// The longest wait that core's router puts up with, so far from the GPUs.
    double waitMs(double tripMs) {
      return Math.clamp(leftMs() - (lessTrip ? tripMs : 0), 1, Math.min(waitMs, leftMs()));
    }

    /// What the pipeline leaves for network, queue and prefill.
    public double leftMs() {
      return firstTokenMs - pipelineMs;
    }
  }

  private static final int TOKENS_MAX = 32_000;

  /// Share of a play that does not count.
  private static final double WARMUP_SHARE = 0.2;

  /// A voice agent on Llama-3.1-8B, the model whose timings on an RTX PRO 6000 were measured;
  /// `max_num_seqs` as vLLM has it. Lengths are those of the voice service of the twin's scenarios,
  /// an assumption. A token every 250 ms keeps ahead of speech, which takes some three a second. 5
  /// ms is a cable operator's proximity target, 2 ms a metropolitan ring.
  public static final BurstSettings DEFAULT =
      new BurstSettings(
          new Engines("llama-3.1-8b", "RTX PRO 6000", 4, 256),
          new Traffic(lengths(300, 900, 1_800), lengths(40, 90, 160), 1),
          new Bounds(500, 0, 250, 0.99, 500, false),
          5,
          2,
          120);

  public BurstSettings {
    require(
        siteRoundTripMs >= 0 && siteRoundTripMs <= 10_000,
        "siteRoundTripMs",
        siteRoundTripMs,
        "0 to 10000");
    require(neighbourMs >= 0 && neighbourMs <= 10_000, "neighbourMs", neighbourMs, "0 to 10000");
    require(seconds >= 5 && seconds <= 86_400, "seconds", seconds, "5 to 86400");
  }

  static void require(boolean holds, String name, double value, String expected) {
    if (!holds) {
      throw new IllegalArgumentException(name + ": " + value + " (expected: " + expected + ")");
    }
  }

  /// Lengths with these percentiles.
  public static Lengths lengths(double p50, double p90, double p99) {
    return Lengths.ofPercentiles(p50, p90, p99, TOKENS_MAX);
  }

  double warmupSeconds() {
    return WARMUP_SHARE * seconds;
  }

  /// Requests per second at which computing the prompts alone, in full passes, would take all time
  /// of all GPUs: no arm can stand more.
  double impossiblePerSecond() {
    return engines.gpus() * engines.profile().prefillTokensPerSecond() / traffic.prompt().mean();
  }
}
