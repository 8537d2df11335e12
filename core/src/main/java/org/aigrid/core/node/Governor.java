package org.aigrid.core.node;

import java.util.ArrayList;
import java.util.List;
import org.aigrid.core.reclaim.RadioForecast;

/// Splits one site's GPU between the radio and AI, as a state machine: `(state, event, in use, now)
/// -> Step`.
///
/// - **Budget.** AI may be admitted up to what the radio's forecast leaves: demand or its upper
///   bound, whichever is higher, and a reserve. The budget falls at once and rises slowly, only
///   after there has been room for a while.
/// - **Revocation.** What already runs stays inside the holdback and is revoked when the radio's
///   *demand* itself needs the place, as much as is missing and no more: what has been revoked and
///   not yet left is a debit against the next decision, and for the confirmation grace it still is
///   after it has left, where the count of what is in use comes late. So one claim never kills
///   twice.
/// - **Silence.** A radio that is not heard of for `signalMsMax` holds everything. Counted from the
///   time of its last word, not from when somebody last looked at that word.
///
/// The radio needs no answer from anybody. Immutable; a step costs well under a microsecond.
///
/// @param aiShare share of the GPU up to which AI is admitted
/// @param demand what the radio wants, as last heard
/// @param heardAtMs when that word came
/// @param forecast what it may want next
/// @param roomSinceMs since when there has been room for more than `aiShare`; `NEVER` when there is
///   none
/// @param steppedAtMs last step
/// @param outstanding share revoked and not confirmed to have left
/// @param revokedAtMs last revocation
/// @param cooling share that has left and may still be counted as in use
/// @param coolUntilMs until when
/// @param overSinceMs since when AI has held more than the radio leaves; `NEVER` when it does not
/// @param claimedAtMs when the claim was made that is not yet satisfied; `NEVER` when there is none
public record Governor(
    double aiShare,
    double demand,
    long heardAtMs,
    RadioForecast forecast,
    long roomSinceMs,
    long steppedAtMs,
    double outstanding,
    long revokedAtMs,
    double cooling,
    long coolUntilMs,
    long overSinceMs,
    long claimedAtMs) {
  private static final long NEVER = Long.MIN_VALUE;
  private static final double GRAIN = 1e-6;

  /// What happens to a governor.
  public sealed interface Event {
    /// The radio wants that share of the GPU, by a word that has not been told before.
    ///
    /// @param atMs when the word came; silence is measured from here
    /// @param sinceMs since when it may have wanted that; a claim is measured from here
    record Heard(double demand, long atMs, long sinceMs) implements Event {
      public Heard(double demand, long atMs) {
        this(demand, atMs, atMs);
      }
    }

    /// Time has passed, and no new word has come.
    record Tick() implements Event {}

    /// The shell has revoked leases worth that much, asked by `Revoke`.
    record Revoked(double share) implements Event {}

    /// A revoked lease has left the device.
    record Left(double share) implements Event {}
  }

  /// What a site has to do.
  public sealed interface Effect {
    /// Admit AI up to this share from now on.
    record Admit(double aiShare) implements Effect {}

    /// Revoke running work worth this share (`Victims`), and say so with `Revoked`.
    ///
    /// @param withinMs left of the promise: what ends by itself within it may stay
    record Revoke(double share, double withinMs) implements Effect {}

    /// The radio has what it claimed, or does not claim it any more.
    ///
    /// @param claimedAtMs when it wanted it
    /// @param afterMs how long it had to do without: until AI was gone, whether revoked or spared,
    ///   or its demand had fallen
    record Reclaimed(long claimedAtMs, long afterMs) implements Effect {}
  }

  /// Bounds and manners of a governor. Immutable.
  ///
  /// @param reserve share never given to AI
  /// @param deviations how sure the holdback is (`RadioForecast.upper`)
  /// @param hysteresis more room than this, or the budget does not rise
  /// @param raiseAfterMs for which there has to be room
  /// @param raisePerSecond share by which the budget rises at most
  /// @param signalMsMax without a word of the radio after which it holds everything
  /// @param confirmMsMax after which a revocation that nobody confirmed is not waited for any more
  /// @param graceMs how late the count of what is in use may be; 0 where it is counted at the site
  /// @param patienceMs for which a claim has to last before running work goes; 0 unless something
  ///   beside the GPU keeps the radio's promise meanwhile (`RadioGuard`, a hardware partition)
  /// @param closeMsMax promise: demand to closed budget
  /// @param reclaimMsMax promise: demand to the last revoked work off the device
  public record Settings(
      double reserve,
      double deviations,
      double hysteresis,
      int raiseAfterMs,
      double raisePerSecond,
      int signalMsMax,
      int confirmMsMax,
      int graceMs,
      int patienceMs,
      int closeMsMax,
      int reclaimMsMax) {
    public static final Settings DEFAULT =
        new Settings(0.02, 3, 0.03, 500, 1, 250, 1_000, 0, 0, 10, 100);

    public Settings {
      if (!(reserve >= 0 && reserve < 1)
          || !(deviations >= 0)
          || !(hysteresis >= 0)
          || !(raisePerSecond > 0)
          || raiseAfterMs < 0
          || signalMsMax < 1
          || confirmMsMax < 1
          || graceMs < 0
          || patienceMs < 0
          || closeMsMax < 1
          || reclaimMsMax < closeMsMax) {
        throw new IllegalArgumentException(
            "governor: reserve "
                + reserve
                + ", deviations "
                + deviations
                + ", hysteresis "
                + hysteresis
                + ", raiseAfterMs "
                + raiseAfterMs
                + ", raisePerSecond "
                + raisePerSecond
                + ", signalMsMax "
                + signalMsMax
                + ", confirmMsMax "
                + confirmMsMax
                + ", graceMs "
                + graceMs
                + ", patienceMs "
                + patienceMs
                + ", closeMsMax "
                + closeMsMax
                + ", reclaimMsMax "
                + reclaimMsMax
                + " (expected: shares 0 to 1, times above 0, the reclaim bound not below the close"
                + " bound)");
      }
    }

    /// Longest step of an engine beside the radio: nothing interrupts it, so it has to fit between
    /// the closed budget and the reclaim bound.
    public int stepMsMax() {
      return Math.max(1, reclaimMsMax - closeMsMax);
    }

    /// How long beyond the promise a radio had to do without what it claimed: of a claim that is
    /// met, or so far.
    public long missedMs(long afterMs) {
      return Math.max(0, afterMs - reclaimMsMax);
    }

    /// Whether a claim belongs in the books: it took work away, or broke the promise.
    public boolean recorded(int revoked, long afterMs) {
      return revoked > 0 || missedMs(afterMs) > 0;
    }

    /// These settings for a count that comes late by up to so much.
    public Settings withGraceMs(int lateMs) {
      return new Settings(
          reserve,
          deviations,
          hysteresis,
          raiseAfterMs,
          raisePerSecond,
          signalMsMax,
          confirmMsMax,
          lateMs,
          patienceMs,
          closeMsMax,
          reclaimMsMax);
    }

    /// These settings for a radio that is heard of less often.
    public Settings withSignalMsMax(int ms) {
      return new Settings(
          reserve,
          deviations,
          hysteresis,
          raiseAfterMs,
          raisePerSecond,
          ms,
          confirmMsMax,
          graceMs,
          patienceMs,
          closeMsMax,
          reclaimMsMax);
    }

    /// These settings where something beside the GPU keeps the radio's promise.
    ///
    /// @param newPatienceMs for which a claim has to last
    /// @param newDeviations of holdback
    public Settings withPatience(int newPatienceMs, double newDeviations) {
      return new Settings(
          reserve,
          newDeviations,
          hysteresis,
          raiseAfterMs,
          raisePerSecond,
          signalMsMax,
          confirmMsMax,
          graceMs,
          newPatienceMs,
          closeMsMax,
          reclaimMsMax);
    }
  }

  /// A site that has not heard of its radio yet: the radio holds everything.
  public static Governor begin(long nowMs) {
    return new Governor(
        0, 1, NEVER, RadioForecast.UNKNOWN, NEVER, nowMs, 0, NEVER, 0, NEVER, NEVER, NEVER);
  }

  /// What follows from an event.
  ///
  /// @param inUse share of the GPU that AI holds now, revoked work that has not left included
  public Step<Governor, Effect> on(Event event, double inUse, Settings settings, long nowMs) {
    return switch (event) {
      case Event.Heard(double wanted, long atMs, long sinceMs) -> {
        double share = Math.clamp(wanted, 0, 1);
        Governor heard =
            new Governor(
                aiShare,
                share,
                Math.max(heardAtMs, Math.min(atMs, nowMs)),
                forecast.with(share, nowMs),
                roomSinceMs,
                steppedAtMs,
                outstanding,
                revokedAtMs,
                cooling,
                coolUntilMs,
                overSinceMs,
                claimedAtMs);
        yield heard.step(inUse, settings, nowMs, Math.min(sinceMs, nowMs));
      }
      case Event.Tick() -> step(inUse, settings, nowMs, silentSinceMs(settings, nowMs));
      case Event.Revoked(double share) ->
          Step.to(owing(outstanding + share, nowMs, cooling, coolUntilMs));
      case Event.Left(double share) ->
          owing(
                  Math.max(0, outstanding - share),
                  revokedAtMs,
                  settings.graceMs() > 0 ? cooling + Math.min(share, outstanding) : 0,
                  nowMs + settings.graceMs())
              .step(inUse, settings, nowMs, nowMs);
    };
  }

  /// Whether the radio has claimed what AI has not left yet.
  public boolean claimed() {
    return claimedAtMs != NEVER;
  }

  /// Whether the radio has not been heard of for too long.
  public boolean silent(Settings settings, long nowMs) {
    return heardAtMs == NEVER || nowMs - heardAtMs > settings.signalMsMax();
  }

  /// When the silence began that makes the radio want everything; now where there is none.
  private long silentSinceMs(Settings settings, long nowMs) {
    return heardAtMs != NEVER && silent(settings, nowMs)
        ? heardAtMs + settings.signalMsMax()
        : nowMs;
  }

  private Governor owing(double share, long atMs, double newCooling, long newCoolUntilMs) {
    return new Governor(
        aiShare,
        demand,
        heardAtMs,
        forecast,
        roomSinceMs,
        steppedAtMs,
        share,
        atMs,
        newCooling,
        newCoolUntilMs,
        overSinceMs,
        claimedAtMs);
  }

  /// @param wantedAtMs when the radio came to want what it wants
  private Step<Governor, Effect> step(
      double inUse, Settings settings, long nowMs, long wantedAtMs) {
    boolean silent = silent(settings, nowMs);
    double claim = silent ? 1 : demand;
    double ceiling =
        silent
            ? 0
            : Math.max(
                0,
                1 - settings.reserve() - Math.max(demand, forecast.upper(settings.deviations())));
    List<Effect> effects = new ArrayList<>(2);

    double share = aiShare;
    long room = roomSinceMs;
    double least = room == NEVER ? settings.hysteresis() : 0; // what has begun to rise goes on
    if (ceiling <= aiShare + least) {
      room = NEVER;
      share = Math.min(aiShare, ceiling);
    } else {
      room = room == NEVER ? nowMs : room;
      if (nowMs - room >= settings.raiseAfterMs()) {
        double rise = settings.raisePerSecond() * (nowMs - steppedAtMs) / 1_000;
        share = Math.min(ceiling, aiShare + Math.max(0, rise));
      }
    }
    if (share != aiShare) {
      effects.add(new Effect.Admit(share));
    }

    double owed = nowMs - revokedAtMs > settings.confirmMsMax() ? 0 : outstanding;
    double stillCounted = nowMs >= coolUntilMs ? 0 : cooling;
    double deficit = inUse - (1 - claim);
    double net = deficit - owed - stillCounted;
    long claimed = claimedAtMs;
    long over = net <= GRAIN ? NEVER : overSinceMs == NEVER ? nowMs : overSinceMs;
    if (net > GRAIN && (silent || nowMs - over >= settings.patienceMs())) {
      claimed = claimed == NEVER ? wantedAtMs : claimed;
      effects.add(new Effect.Revoke(net, Math.max(0, claimed + settings.reclaimMsMax() - nowMs)));
    } else if (claimed != NEVER && deficit - stillCounted <= GRAIN) {
      effects.add(new Effect.Reclaimed(claimed, nowMs - claimed));
      claimed = NEVER;
    }
    return new Step<>(
        new Governor(
            share,
            demand,
            heardAtMs,
            forecast,
            room,
            nowMs,
            owed,
            revokedAtMs,
            stillCounted,
            coolUntilMs,
            over,
            claimed),
        effects);
  }
}
