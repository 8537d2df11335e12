package org.aigrid.live.site;

import static java.util.Objects.requireNonNull;
import static org.assertj.core.api.Assertions.assertThat;

import java.util.List;
import java.util.Queue;
import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.ConcurrentLinkedQueue;
import java.util.concurrent.locks.LockSupport;
import java.util.function.BooleanSupplier;
import org.aigrid.core.engine.Accelerators;
import org.aigrid.core.engine.Models;
import org.aigrid.core.model.EndpointSpec;
import org.aigrid.core.model.EngineKind;
import org.aigrid.core.model.ServiceTier;
import org.aigrid.core.model.SiteSpec;
import org.aigrid.core.model.Tier;
import org.aigrid.core.node.Governor;
import org.aigrid.core.unit.GeoPoint;
import org.aigrid.live.radio.CalibratedRadio;
import org.aigrid.live.radio.GpuSplit;
import org.aigrid.live.radio.RadioLoad;
import org.aigrid.live.radio.ReclaimRecord;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

/// What a site's governor makes of its radio's words, with a radio and requests that do as a test
/// tells them.
@Timeout(60)
class SiteGovernorTest {
  private static final SiteSpec SITE =
      new SiteSpec(
          "cell",
          "Cell",
          Tier.CELL,
          "east",
          new GeoPoint(35, 139),
          "JP",
          "operator",
          List.of(
              new EndpointSpec(
                  requireNonNull(Models.byName("llama-3.1-8b")),
                  EngineKind.EMULATED,
                  requireNonNull(Accelerators.byName("RTX PRO 6000")),
                  1,
                  10)));

  /// A radio whose words are a test's.
  private static final class ToldRadio implements RadioLoad {
    private volatile double share;
    private volatile long atNanos;

    ToldRadio(double share) {
      say(share);
    }

    void say(double wanted) {
      share = wanted;
      atNanos = System.nanoTime();
    }

    @Override
    public double demand(long nowMs) {
      return share;
    }

    @Override
    public long heardNanos() {
      return atNanos;
    }
  }

  /// A request that goes, or not, as a test tells it.
  private final class ToldCall implements RunningCall {
    private final boolean goes;
    private final boolean leaves;
    private final boolean confirms;

    ToldCall(boolean goes, boolean leaves, boolean confirms) {
      this.goes = goes;
      this.leaves = leaves;
      this.confirms = confirms;
    }

    @Override
    public ServiceTier tier() {
      return ServiceTier.STANDARD;
    }

    @Override
    public int promptTokens() {
      return 40;
    }

    @Override
    public int tokens() {
      return 2;
    }

    @Override
    public int tokensMax() {
      return 0;
    }

    @Override
    public long sinceNanos() {
      return 0;
    }

    @Override
    public boolean confirms() {
      return confirms;
    }

    @Override
    public boolean move(String reason, double withinMs, Runnable gone) {
      if (!goes || !running.remove(this)) {
        return false;
      }
      if (leaves) {
        gone.run();
      }
      return true;
    }
  }

  private static final Governor.Settings PATIENT =
      Governor.Settings.DEFAULT.withSignalMsMax(60_000);

  private final Set<RunningCall> running = ConcurrentHashMap.newKeySet();

  private final Queue<Double> leaves = new ConcurrentLinkedQueue<>();

  private SiteGovernor governor(RadioLoad radio, Governor.Settings settings) {
    return new SiteGovernor(
        SITE,
        new CalibratedRadio(radio, 0, 1),
        GpuSplit.NONE,
        settings,
        running,
        leaves::add,
        () -> {});
  }

  private static void until(BooleanSupplier condition) {
    long end = System.nanoTime() + 30_000_000_000L;
    while (!condition.getAsBoolean()) {
      if (System.nanoTime() - end > 0) {
        throw new AssertionError("did not come true within 30 s");
      }
      LockSupport.parkNanos(1_000_000);
    }
  }

  @Test
  void aWordThatIsLookedAtAgainAndAgainDoesNotBecomeYounger() {
    var radio = new ToldRadio(0.2);
    try (var governor = governor(radio, Governor.Settings.DEFAULT.withSignalMsMax(500))) {
      until(
          () -> {
            radio.say(0.2);
            return governor.aiShare() > 0.1;
          });
      assertThat(governor.demand()).isEqualTo(0.2);
      until(() -> governor.aiShare() == 0);
      assertThat(governor.demand()).isEqualTo(1);
      radio.say(0.3);
      until(() -> governor.demand() == 0.3);
      assertThat(leaves).as("engines hear what the radio leaves").contains(0.8, 0.0).endsWith(0.7);
    }
  }

  @Test
  void aClaimThatTookNothingAwayAndBrokeItsBoundIsRecorded() {
    var radio = new ToldRadio(0.2);
    try (var governor = governor(radio, PATIENT)) {
      until(() -> governor.demand() == 0.2);
      running.add(new ToldCall(false, false, true)); // stays until it ends by itself
      radio.say(1);
      until(() -> !governor.records().isEmpty());
      ReclaimRecord open = governor.records().getFirst();
      assertThat(open.open()).isTrue();
      assertThat(open.revoked()).isZero();
      assertThat(open.missedMs()).as("it shows as soon as it is late").isPositive();
      until(() -> governor.records().getFirst().missedMs() > open.missedMs());
      running.clear();
      until(() -> !governor.records().getFirst().open());
      ReclaimRecord record = governor.records().getFirst();
      assertThat(governor.records()).hasSize(1);
      assertThat(record.goneAfterMs()).isEqualTo(PATIENT.reclaimMsMax() + record.missedMs());
      assertThat(record.missedMs()).isGreaterThanOrEqualTo(open.missedMs());
      assertThat(governor.reclaims()).as("none took work away").isZero();
    }
  }

  @Test
  void aClaimThatIsGivenUpBeforeAiWasGoneHasLackedItForSoLong() {
    var radio = new ToldRadio(0.2);
    try (var governor = governor(radio, PATIENT)) {
      until(() -> governor.demand() == 0.2);
      running.add(new ToldCall(true, false, true)); // goes, and never says that it has gone
      radio.say(1);
      until(() -> governor.records().stream().anyMatch(r -> r.missedMs() > PATIENT.reclaimMsMax()));
      assertThat(governor.records().getFirst().open()).isTrue();
      radio.say(0.2);
      until(() -> !governor.records().getFirst().open());
      ReclaimRecord record = governor.records().getFirst();
      assertThat(record.revoked()).isOne();
      assertThat(record.lostTokens()).isEqualTo(42);
      assertThat(record.missedMs()).isGreaterThan(PATIENT.reclaimMsMax());
    }
  }

  @Test
  void whatOnlyClosedAConnectionIsToldApart() {
    var radio = new ToldRadio(0.2);
    try (var governor = governor(radio, PATIENT)) {
      until(() -> governor.demand() == 0.2);
      running.add(new ToldCall(true, true, false));
      running.add(new ToldCall(true, true, true));
      radio.say(1);
      until(() -> governor.records().stream().anyMatch(record -> !record.open()));
      assertThat(governor.records().getFirst().revoked()).isEqualTo(2);
      assertThat(governor.records().getFirst().unconfirmed()).isOne();
    }
  }

  @Test
  void aDeadSitesClaimGrowsNoOlder() {
    var radio = new ToldRadio(0.2);
    List<ReclaimRecord> atDeath;
    var governor = governor(radio, PATIENT);
    try (governor) {
      until(() -> governor.demand() == 0.2);
      running.add(new ToldCall(true, false, true));
      radio.say(1);
      until(() -> !governor.records().isEmpty());
    }
    atDeath = governor.records();
    long then = System.nanoTime();
    until(() -> System.nanoTime() - then > 5_000_000);
    assertThat(governor.records().getFirst().goneAfterMs())
        .isEqualTo(atDeath.getFirst().goneAfterMs());
  }
}
