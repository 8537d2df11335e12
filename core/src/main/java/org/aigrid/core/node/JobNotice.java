package org.aigrid.core.node;

import java.util.ArrayList;
import java.util.List;

/// What a batch job beside the grid (a training run: a process, not a request) has to be told about
/// the share that AI may have of its GPU, as a state machine: `(state, share, now) -> Step`.
///
/// - **Notice** when the share falls below what the job needs. The governor's budget falls with its
///   forecast, so a rise that was foreseen is told of before it comes.
/// - **Suspend** at the latest `graceMs` after the notice while the share is too small; at once
///   when the share falls to nothing after the notice. One that was told so in the notice has its
///   grace.
/// - **Resume** when the share has been enough for `calmMs` on end.
///
/// A claim lasts from its notice until the share has been enough for `calmMs`, and has one notice:
/// a share that falls again before then suspends a job whose grace is over at once. What is not
/// suspended is never resumed. A share that is not a number is none: nobody has said what the radio
/// leaves.
///
/// Nothing here looks at the clock, so the shell comes again at `nextMs`. Immutable; a step costs
/// some nanoseconds.
///
/// @param phase what the job has been told
/// @param noticedAtMs when, unless it runs
/// @param enoughSinceMs since when the share has been enough; `NEVER` while it is not
/// @param nothing whether AI had nothing at the last step
public record JobNotice(Phase phase, long noticedAtMs, long enoughSinceMs, boolean nothing) {
  /// Nothing is due.
  public static final long NEVER = Long.MIN_VALUE;

  /// What a job has been told.
  public enum Phase {
    /// Nothing, or that it may go on.
    RUNS,
    /// That the radio wants the GPU: it may still run.
    NOTICED,
    /// To stop.
    SUSPENDED
  }

  /// What a shell has to do to the job.
  public sealed interface Effect {
    /// Tell it to save its work.
    ///
    /// @param suspendsAtMs when it is stopped at the latest, if the share stays too small
    record Notice(long suspendsAtMs) implements Effect {}

    /// Stop it where it is.
    record Suspend() implements Effect {}

    /// Let it go on.
    record Resume() implements Effect {}
  }

  /// Bounds and manners. Immutable.
  ///
  /// @param needs share of the GPU below which the job may not run, above 0
  /// @param graceMs between its notice and its end at most; with what carrying it out takes it has
  ///   to fit into the governor's reclaim bound
  /// @param calmMs for which the share has to be enough before a claim is over
  public record Settings(double needs, int graceMs, int calmMs) {
    /// A job that wants three tenths, is off 20 ms before the governor's bound, and goes on after
    /// half a minute.
    public static final Settings DEFAULT =
        new Settings(0.3, Governor.Settings.DEFAULT.reclaimMsMax() - 20, 30_000);

    public Settings {
      if (!(needs > 0 && needs <= 1) || graceMs < 0 || calmMs < 0) {
        throw new IllegalArgumentException(
            "job notice: needs "
                + needs
                + ", graceMs "
                + graceMs
                + ", calmMs "
                + calmMs
                + " (expected: a share above 0 up to 1, times 0 or more)");
      }
    }
  }

  /// A job that has not been told anything.
  public static JobNotice begin() {
    return new JobNotice(Phase.RUNS, 0, NEVER, false);
  }

  /// The share that AI may have at this time, whether it is a new one or time has passed.
  public Step<JobNotice, Effect> on(double share, Settings settings, long nowMs) {
    if (share >= settings.needs()) {
      return enough(settings, nowMs);
    }
    boolean none = !(share > 0);
    List<Effect> effects = new ArrayList<>(2);
    long noticed = noticedAtMs;
    boolean due = none && !nothing;
    if (phase == Phase.RUNS) {
      noticed = nowMs;
      due = false;
      effects.add(new Effect.Notice(nowMs + settings.graceMs()));
    }
    due |= nowMs - noticed >= settings.graceMs();
    if (due && phase != Phase.SUSPENDED) {
      effects.add(new Effect.Suspend());
    }
    Phase told = due || phase == Phase.SUSPENDED ? Phase.SUSPENDED : Phase.NOTICED;
    return new Step<>(new JobNotice(told, noticed, NEVER, none), effects);
  }

  private Step<JobNotice, Effect> enough(Settings settings, long nowMs) {
    long since = enoughSinceMs == NEVER ? nowMs : enoughSinceMs;
    boolean over = phase == Phase.RUNS || nowMs - since >= settings.calmMs();
    JobNotice next = new JobNotice(over ? Phase.RUNS : phase, noticedAtMs, since, false);
    return over && phase == Phase.SUSPENDED ? Step.to(next, new Effect.Resume()) : Step.to(next);
  }

  /// When something falls due though no other share is told; `NEVER` when nothing does.
  public long nextMs(Settings settings) {
    if (phase == Phase.RUNS) {
      return NEVER;
    }
    if (enoughSinceMs != NEVER) {
      return enoughSinceMs + settings.calmMs();
    }
    return phase == Phase.NOTICED ? noticedAtMs + settings.graceMs() : NEVER;
  }
}
