package org.aigrid.twin.slots;

import java.util.ArrayDeque;
import java.util.Objects;
import java.util.SplittableRandom;
import org.aigrid.core.engine.Accelerators;
import org.aigrid.core.engine.EngineProfile;
import org.aigrid.core.engine.EngineProfiles;
import org.aigrid.core.engine.Models;
import org.aigrid.core.model.EndpointSpec;
import org.aigrid.core.model.EngineKind;
import org.aigrid.core.node.Governor;
import org.aigrid.core.node.Step;
import org.aigrid.core.reclaim.AiBudget;
import org.aigrid.core.reclaim.RadioGuard;

/// One base station's GPU, job by job and piece by piece: the radio's jobs come slot by slot, AI
/// always has work, and nothing that runs is interrupted.
///
/// AI is an engine of core's profile whose steps are cut at its layers (safepoints): a decode step
/// of 32 layers is 32 pieces. The governor and the guard are core's. A piece takes its modelled
/// time with some noise, and now and then twice as long, which the guard does not know before.
///
/// Deterministic by its seed; a million slots take about half a second.
public final class SlotPlay {
  private static final int PATIENCE_MS = 1_000;
  private static final int SEQUENCES_MAX = 64;
  private static final int CONTEXT_TOKENS = 1_000; // of a sequence, about
  private static final int CHUNK_TOKENS = 128;
  private static final double SAMPLE_MS = 5;
  private static final double PIECE_NOISE = 0.03;
  private static final double SLOW_PIECE_SHARE = 1e-5;
  private static final double PIECE_MARGIN = 1.1; // that the guard adds to the modelled time
  private static final double CREDIT_MS_MAX = 5; // that an unguarded share saves up
  private static final double DROPPED_AFTER_MS = 11.5; // no use any more (recovery deadline)

  private final RadioSettings settings;
  private final SharingRule rule;
  private final RadioSlots radio;
  private final SplittableRandom noise;
  private final EngineProfile profile =
      EngineProfiles.of(
          new EndpointSpec(
              Objects.requireNonNull(Models.byName("llama-3.1-8b")),
              EngineKind.EMULATED,
              Objects.requireNonNull(Accelerators.byName("RTX PRO 6000")),
              1,
              SEQUENCES_MAX));

  // Radio jobs that wait, a ring of work by slot number.
  private final double[] work = new double[1 << 12];
  private long arrived;
  private long done;

  // AI.
  private int sequences;
  private int piecesLeft;
  private int stepSequences;
  private int stepPrefill;
  private double pieceMs;
  private double creditMs;

  // The governor and what it hears.
  private Governor governor = Governor.begin(0);
  private final Governor.Settings manners;
  private final ArrayDeque<double[]> heard = new ArrayDeque<>(); // when, demand
  private double sampledMs;
  private double sampledWork;
  private double windowMs;
  private int leaving; // revoked, off at the end of the piece under way
  private double claimedMs = -1;

  private long late;
  private long lateAlone;
  private double aloneFreeMs;
  private double radioMs;
  private double aiMs;
  private long tokens;
  private long prefillTokens;
  private long revoked;
  private long lostTokens;
  private long reclaims;
  private double reclaimMsMost;

  private SlotPlay(RadioSettings settings, SharingRule rule, long seed) {
    this.settings = settings;
    this.rule = rule;
    var seeds = new SplittableRandom(seed);
    radio = new RadioSlots(settings, seeds.nextLong());
    noise = new SplittableRandom(seeds.nextLong());
    // The guard keeps the radio's promise; running work has to go only when a claim lasts.
    manners =
        rule.guarded()
            ? Governor.Settings.DEFAULT.withPatience(PATIENCE_MS, 1)
            : Governor.Settings.DEFAULT;
  }

  /// Plays so many slots.
  public static SlotOutcome run(RadioSettings settings, SharingRule rule, long slots, long seed) {
    return new SlotPlay(settings, rule, seed).play(slots);
  }

  private SlotOutcome play(long slots) {
    double now = 0;
    double nextSampleMs = 0;
    while (done < slots) {
      while (arrived < slots && arrived * settings.slotMs() <= now) {
        arrive();
      }
      if (now >= nextSampleMs) {
        sample(now);
        nextSampleMs += SAMPLE_MS;
      }
      double nextSlotMs = arrived < slots ? arrived * settings.slotMs() : Double.MAX_VALUE;
      boolean waits = done < arrived;
      double backlogMs = 0;
      if (waits) {
        backlogMs = work[(int) (done & work.length - 1)];
      }
      double piece = nextPieceMs();
      if (piece > 0 && mayStart(piece, backlogMs, nextSlotMs - now)) {
        double takes = actual(piece);
        now += takes;
        aiMs += takes;
        creditMs -= takes;
        endPiece();
      } else if (waits) {
        double comeMs = done * settings.slotMs();
        double takes = now > comeMs + DROPPED_AFTER_MS ? 0 : work[(int) (done & work.length - 1)];
        now += takes;
        radioMs += takes;
        late += now > comeMs + settings.deadlineMs() + 1e-9 ? 1 : 0;
        done++;
      } else {
        now = Math.min(nextSlotMs, Math.max(now + 1e-3, nextSampleMs));
      }
    }
    return new SlotOutcome(
        rule,
        slots,
        late,
        lateAlone,
        now,
        radioMs,
        aiMs,
        tokens,
        prefillTokens,
        revoked,
        lostTokens,
        reclaims,
        reclaimMsMost);
  }

  private void arrive() {
    double takes = radio.next() * settings.slotMs();
    work[(int) (arrived & work.length - 1)] = takes;
    double comesMs = arrived * settings.slotMs();
    sampledWork += takes;
    aloneFreeMs = Math.max(aloneFreeMs, comesMs) + takes;
    lateAlone += aloneFreeMs > comesMs + settings.deadlineMs() + 1e-9 ? 1 : 0;
    arrived++;
    if (arrived - done >= work.length) {
      throw new IllegalStateException("the radio has fallen " + work.length + " slots behind");
    }
  }

  /// The governor hears of the radio, and what it decides is done.
  private void sample(double now) {
    double passed = now - sampledMs;
    if (passed <= 0) {
      return;
    }
    double demand = Math.min(1, sampledWork / passed);
    windowMs = passed;
    sampledMs = now;
    sampledWork = 0;
    creditMs = Math.min(CREDIT_MS_MAX, creditMs + passed * share());
    heard.addLast(new double[] {now, demand});
    double[] word = null;
    while (!heard.isEmpty() && heard.peekFirst()[0] <= now - rule.signalAgeMs()) {
      word = heard.pollFirst();
    }
    if (word != null) {
      step(new Governor.Event.Heard(word[1], (long) now), now);
    }
    sequences = Math.max(sequences, AiBudget.sequences(share(), SEQUENCES_MAX)); // always hungry
  }

  private double share() {
    return rule.fixedShare() >= 0 ? rule.fixedShare() : governor.aiShare();
  }

  private void step(Governor.Event event, double now) {
    double inUse = (sequences + leaving) / (double) SEQUENCES_MAX;
    Step<Governor, Governor.Effect> step = governor.on(event, inUse, manners, (long) now);
    governor = step.state();
    if (rule.fixedShare() >= 0) {
      return;
    }
    for (Governor.Effect effect : step.effects()) {
      if (effect instanceof Governor.Effect.Revoke(double share, double _)) {
        int count = Math.min(sequences, (int) Math.ceil(share * SEQUENCES_MAX - 1e-6));
        sequences -= count;
        leaving += count;
        revoked += count;
        lostTokens += (long) count * CONTEXT_TOKENS;
        claimedMs = claimedMs < 0 ? now - windowMs : claimedMs; // the sample's own beginning
        governor =
            governor
                .on(
                    new Governor.Event.Revoked(count / (double) SEQUENCES_MAX),
                    inUse,
                    manners,
                    (long) now)
                .state();
      }
    }
    if (leaving > 0) {
      piecesLeft = 0; // their step is given up with them
      leave(now);
    }
  }

  /// Revoked sequences leave between two pieces.
  private void leave(double now) {
    double share = leaving / (double) SEQUENCES_MAX;
    leaving = 0;
    reclaims++;
    reclaimMsMost = Math.max(reclaimMsMost, now - claimedMs);
    claimedMs = -1;
    governor =
        governor
            .on(
                new Governor.Event.Left(share),
                sequences / (double) SEQUENCES_MAX,
                manners,
                (long) now)
            .state();
  }

  /// Modelled time of the next piece; 0 when AI has nothing it may run.
  private double nextPieceMs() {
    if (sequences == 0) {
      return 0;
    }
    if (piecesLeft == 0) {
      stepSequences = sequences;
      // One prompt is computed beside the running sequences in every other step.
      stepPrefill = stepPrefill == 0 ? CHUNK_TOKENS : 0;
      piecesLeft = rule.pieces();
      pieceMs = stepMs(stepPrefill, stepSequences) / rule.pieces();
    }
    return pieceMs;
  }

  private double stepMs(int prefill, int count) {
    return profile.step().stepMs(prefill, count, (long) count * CONTEXT_TOKENS);
  }

  private boolean mayStart(double piece, double backlogMs, double untilNextMs) {
    return switch (rule.order()) {
      // No forecast: a burst comes from one slot to the next, and a slot's work may take all of it.
      case GUARD ->
          RadioGuard.admits(
              PIECE_MARGIN * piece,
              backlogMs,
              untilNextMs,
              settings.slotMs(),
              settings.deadlineMs());
      case RADIO_FIRST -> backlogMs <= 0;
      case SHARE -> creditMs >= piece;
    };
  }

  private double actual(double piece) {
    double takes = piece * Math.max(0.5, 1 + PIECE_NOISE * noise.nextGaussian());
    return noise.nextDouble() < SLOW_PIECE_SHARE ? 2 * takes : takes;
  }

  private void endPiece() {
    piecesLeft--;
    if (piecesLeft == 0) {
      tokens += stepSequences;
      prefillTokens += stepPrefill;
    }
  }
}
