package org.aigrid.live.site;

import static java.util.Objects.requireNonNull;
import static org.assertj.core.api.Assertions.assertThat;

import java.util.List;
import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.locks.LockSupport;
import java.util.function.BooleanSupplier;
import org.aigrid.core.engine.Accelerators;
import org.aigrid.core.engine.Models;
import org.aigrid.core.model.EndpointSpec;
import org.aigrid.core.model.EngineKind;
import org.aigrid.core.model.SiteSpec;
import org.aigrid.core.model.Tier;
import org.aigrid.core.node.Governor;
import org.aigrid.core.unit.GeoPoint;
import org.aigrid.live.radio.CalibratedRadio;
import org.aigrid.live.radio.GpuSplit;
import org.aigrid.live.radio.RadioLoad;
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

  private final Set<RunningCall> running = ConcurrentHashMap.newKeySet();

  private SiteGovernor governor(RadioLoad radio, Governor.Settings settings) {
    return new SiteGovernor(
        SITE, new CalibratedRadio(radio, 0, 1), GpuSplit.NONE, settings, running, () -> {});
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
    }
  }
}
