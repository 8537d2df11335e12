package org.aigrid.core.engine;

import org.aigrid.core.model.Accelerator;
import org.aigrid.core.model.EndpointSpec;
import org.aigrid.core.model.ModelSpec;

/// Engine profiles by accelerator and model: the measured rows where there are some, a roofline
/// elsewhere. The one place where timings come from; pure, tens of nanoseconds a call.
///
/// Measured rows: four-parameter fits to published vLLM 0.19 runs of Llama-3.1-8B in bfloat16
/// (LLMServingSim, MIT licence). In sample they reproduce mean latency and time per output token
/// within 0.5 %; nothing is claimed for them elsewhere.
///
/// Roofline, derived from those fits: a step costs reading the weights once (`t0 = 1.35 x weights /
/// bandwidth`), two operations a parameter and prompt token (`tp`), reading the context's KV cache
/// (`tk`), and a constant per sequence for sampling and kernels (`td`).
public final class EngineProfiles {
  /// Prompt tokens a step takes at most: vLLM's default `max_num_batched_tokens`.
  public static final int CHUNK_TOKENS = 2_048;

  /// Share of device memory that an engine may use: vLLM's default `gpu_memory_utilization`.
  public static final double MEMORY_SHARE = 0.9;

  /// Measured step floor over the time of reading all weights once (1.34 and 1.37 in the two fits).
  static final double WEIGHT_READS_PER_STEP = 1.35;

  /// Milliseconds per decoding sequence beside its memory traffic (0.061 and 0.095 in the two
  /// fits).
  static final double SEQUENCE_OVERHEAD_MS = 0.08;

  /// Share of the pure KV reading time that the fits left in `tk`; `td` absorbs the rest.
  static final double KV_READ_SHARE = 0.3;

  private static final StepModel RTX_PRO_6000_8B = new StepModel(13.5, 0.0382, 0.095, 0.025);
  private static final StepModel RTX_4090_8B = new StepModel(21.8, 0.088, 0.061, 0.005);
  private static final int RTX_4090_8B_KV_TOKENS = 41_408;

  private EngineProfiles() {}

  /// The profile of one replica of an endpoint. A model that does not fit into the accelerator's
  /// memory is an `IllegalArgumentException` that says by how much.
  public static EngineProfile of(EndpointSpec endpoint) {
    return of(endpoint.model(), endpoint.accelerator(), endpoint.sequencesMax());
  }

  /// The profile of `model` on one `accelerator` that runs at most `sequencesMax` sequences.
  public static EngineProfile of(ModelSpec model, Accelerator accelerator, int sequencesMax) {
    double freeBytes = accelerator.memoryGb() * 1e9 * MEMORY_SHARE - model.weightBytes();
    if (freeBytes < model.kvBytesPerToken()) {
      throw new IllegalArgumentException(
          String.format(
              "model %s does not fit on %s: weights %.1f GB, usable memory %.1f GB (expected: room"
                  + " for weights and KV cache; choose a larger accelerator or fewer weights)",
              model.name(),
              accelerator.name(),
              model.weightBytes() / 1e9,
              accelerator.memoryGb() * MEMORY_SHARE));
    }
    // Memory bounds it, and where there is plenty what the sequences can hold at all.
    double heldMost = (double) sequencesMax * model.contextTokensMax();
    int kvTokens =
        (int) Math.min(Integer.MAX_VALUE, Math.min(heldMost, freeBytes / model.kvBytesPerToken()));
    if (isLlama8bInBfloat16(model)) {
      if (accelerator.name().equals("RTX PRO 6000")) {
        return new EngineProfile(RTX_PRO_6000_8B, CHUNK_TOKENS, sequencesMax, kvTokens);
      }
      if (accelerator.name().equals("RTX 4090")) {
        return new EngineProfile(RTX_4090_8B, CHUNK_TOKENS, sequencesMax, RTX_4090_8B_KV_TOKENS);
      }
    }
    return new EngineProfile(roofline(model, accelerator), CHUNK_TOKENS, sequencesMax, kvTokens);
  }

  static StepModel roofline(ModelSpec model, Accelerator accelerator) {
    double bytesPerMs = accelerator.memoryGbPerSecond() * 1e6;
    double operationsPerMs = accelerator.effectiveTflops() * 1e9;
    return new StepModel(
        WEIGHT_READS_PER_STEP * model.weightBytes() / bytesPerMs,
        2 * model.activeParametersBillions() * 1e9 / operationsPerMs,
        SEQUENCE_OVERHEAD_MS,
        KV_READ_SHARE * model.kvBytesPerToken() * 1000.0 / bytesPerMs);
  }

  /// Recognised by what decides its timing, not by its name: 8.03e9 parameters of two bytes.
  private static boolean isLlama8bInBfloat16(ModelSpec model) {
    return Math.abs(model.activeParametersBillions() - 8.03) < 0.1
        && Math.abs(model.weightBytes() - 16.06e9) < 0.2e9
        && model.kvBytesPerToken() == 131_072;
  }
}
