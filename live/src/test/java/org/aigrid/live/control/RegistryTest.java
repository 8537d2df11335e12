package org.aigrid.live.control;

import static java.util.Objects.requireNonNull;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.concurrent.atomic.AtomicLong;
import java.util.concurrent.locks.LockSupport;
import java.util.function.BooleanSupplier;
import org.aigrid.core.engine.Accelerators;
import org.aigrid.core.engine.Models;
import org.aigrid.core.model.Accelerator;
import org.aigrid.core.model.EndpointSpec;
import org.aigrid.core.model.EngineKind;
import org.aigrid.core.model.ModelSpec;
import org.aigrid.core.model.SiteSpec;
import org.aigrid.core.model.Tier;
import org.aigrid.core.unit.GeoPoint;
import org.aigrid.core.view.AdmissionState;
import org.aigrid.core.view.EndpointLoad;
import org.aigrid.core.view.GridView;
import org.aigrid.core.view.GridViewSettings;
import org.aigrid.core.view.Heartbeat;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;

class RegistryTest {
  private static final String MODEL = "llama-3.1-8b";
  private static final SiteAddress SOMEWHERE = new SiteAddress("127.0.0.1", 4_000);

  private final AtomicLong clockMs = new AtomicLong(1_000);
  private final Registry registry = Registry.start(settings(10, 1_000, 2), clockMs::get);

  @AfterEach
  void close() {
    registry.close();
  }

  @Test
  void aSiteIsRoutableAfterItsFirstHeartbeatAndNotAfterItsLease() {
    registry.register(site("cell-a", "JP"), SOMEWHERE);
    until(() -> registry.view().roster().siteCount() == 1);
    assertThat(registry.view().leaseFresh(0, clockMs.get())).isFalse();

    assertThat(registry.accept(heartbeat("cell-a", 1, 3_000, 7))).isTrue();
    until(() -> registry.view().leaseFresh(0, clockMs.get()));
    assertThat(registry.view().running(0)).isEqualTo(7);
    assertThat(registry.view().leaseEndMs(0)).isEqualTo(4_000);

    clockMs.set(4_000);
    assertThat(registry.view().leaseFresh(0, registry.nowMs())).isFalse();
  }

  @Test
  void aHeartbeatOfAnUnknownSiteIsAnsweredWithFalse() {
    assertThat(registry.accept(heartbeat("cell-a", 1, 3_000, 0))).isFalse();
    registry.register(site("cell-a", "JP"), SOMEWHERE);
    assertThat(registry.accept(heartbeat("cell-a", 1, 3_000, 0))).isTrue();
    registry.remove("cell-a");
    assertThat(registry.accept(heartbeat("cell-a", 2, 3_000, 0))).isFalse();
    until(() -> registry.view().roster().indexOfSite("cell-a") < 0);
  }

  @Test
  void aLateHeartbeatChangesNothing() {
    registry.register(site("cell-a", "JP"), SOMEWHERE);
    registry.accept(heartbeat("cell-a", 5, 3_000, 5));
    registry.accept(heartbeat("cell-a", 4, 9_000, 4));
    until(() -> leaseFresh("cell-a"));
    assertThat(registry.view().running(0)).isEqualTo(5);

    registry.accept(heartbeat("cell-a", 3, 9_000, 3));
    registry.register(site("cell-b", "JP"), SOMEWHERE);
    registry.accept(heartbeat("cell-b", 1, 3_000, 1));
    until(() -> registry.view().roster().siteCount() == 2 && leaseFresh("cell-b"));
    assertThat(registry.view().running(0)).isEqualTo(5);
    assertThat(registry.view().leaseEndMs(0)).isEqualTo(4_000);
  }

  @Test
  void aSiteThatRegistersAgainStartsAnewUnderItsOldIndexAtItsNewAddress() {
    registry.register(site("cell-a", "JP"), SOMEWHERE);
    registry.accept(heartbeat("cell-a", 500, 3_000, 5));
    until(() -> leaseFresh("cell-a"));

    var elsewhere = new SiteAddress("127.0.0.1", 4_001);
    registry.accept(heartbeat("cell-a", 501, 3_000, 5));
    registry.register(site("cell-a", "JP"), elsewhere);
    until(() -> registry.address(0).equals(elsewhere));
    registry.accept(heartbeat("cell-a", 1, 3_000, 1));
    until(() -> leaseFresh("cell-a"));
    assertThat(registry.view().running(registry.view().roster().firstEndpoint(0))).isEqualTo(1);
    assertThat(registry.view().roster().siteCount()).isEqualTo(1);
  }

  @Test
  void aSiteThatCouldNeverBePartOfAViewIsRefusedWithTheReason() {
    var tooSmall = new Accelerator("pocket", 8, 100, 10);
    var model = requireNonNull(Models.byName(MODEL));
    assertThatThrownBy(
            () ->
                registry.register(
                    siteWith(
                        "cell-a",
                        "JP",
                        new EndpointSpec(model, EngineKind.EMULATED, tooSmall, 1, 8)),
                    SOMEWHERE))
        .isInstanceOf(IllegalArgumentException.class)
        .hasMessageContaining("does not fit on pocket");
    registry.register(site("cell-jp", "JP"), SOMEWHERE);
    registry.register(site("cell-sg", "SG"), SOMEWHERE);
    assertThatThrownBy(() -> registry.register(site("cell-de", "DE"), SOMEWHERE))
        .hasMessageContaining("jurisdictionsMax = 2");
    registry.remove("cell-sg");
    registry.register(site("cell-de", "DE"), SOMEWHERE);
  }

  @Test
  void oneSiteTooManyIsRefusedAndAKnownOneIsNot() {
    try (var small = Registry.start(settings(10, 1, 8), clockMs::get)) {
      small.register(site("cell-a", "JP"), SOMEWHERE);
      small.register(site("cell-a", "JP"), SOMEWHERE);
      assertThatThrownBy(() -> small.register(site("cell-b", "JP"), SOMEWHERE))
          .hasMessageContaining("sitesMax = 1");
    }
  }

  @Test
  void aSiteThatTheViewRefusesKeepsNobodyElseOut() {
    try (Registry wide = Registry.start(settings(10, 1_000, 100), clockMs::get)) {
      for (int i = 0; i < 64; i++) {
        wide.register(site("s" + i, code(i)), SOMEWHERE);
      }
      wide.register(site("refused", code(64)), SOMEWHERE);
      wide.register(site("welcome", code(0)), SOMEWHERE);
      until(() -> wide.view().roster().indexOfSite("welcome") >= 0);
      assertThat(wide.view().roster().indexOfSite("refused")).isNegative();
      until(() -> !wide.accept(heartbeat("refused", 1, 3_000, 0)));

      wide.remove("s1");
      wide.register(site("refused", code(64)), SOMEWHERE);
      until(() -> wide.view().roster().indexOfSite("refused") >= 0);
    }
  }

  /// A two-letter code.
  private static String code(int i) {
    return "" + (char) ('A' + i / 26) + (char) ('A' + i % 26);
  }

  @Test
  void manyThreadsRegisterAndBeatWhileReadersSeeOnlyWholeViews() throws Exception {
    int writers = 8;
    int sitesPerWriter = 20;
    var failed = new AtomicBoolean();
    var done = new CountDownLatch(writers);
    var threads = new ArrayList<Thread>();
    for (int w = 0; w < writers; w++) {
      int writer = w;
      threads.add(
          Thread.ofVirtual()
              .start(
                  () -> {
                    for (int s = 0; s < sitesPerWriter; s++) {
                      registry.register(site("cell-" + writer + "-" + s, "JP"), SOMEWHERE);
                    }
                    for (int beat = 1; beat <= 50; beat++) {
                      for (int s = 0; s < sitesPerWriter; s++) {
                        if (!registry.accept(
                            heartbeat("cell-" + writer + "-" + s, beat, 3_000, beat))) {
                          failed.set(true);
                        }
                      }
                    }
                    done.countDown();
                  }));
    }
    while (done.getCount() > 0) {
      GridView view = registry.view();
      for (int site = 0; site < view.roster().siteCount(); site++) {
        assertThat(registry.address(site)).isEqualTo(SOMEWHERE);
        view.running(view.roster().firstEndpoint(site));
      }
    }
    for (Thread thread : threads) {
      thread.join();
    }
    assertThat(failed).isFalse();
    until(
        () -> {
          GridView view = registry.view();
          for (int site = 0; site < writers * sitesPerWriter; site++) {
            if (site >= view.roster().siteCount()
                || view.running(view.roster().firstEndpoint(site)) != 50) {
              return false;
            }
          }
          return true;
        });
  }

  private boolean leaseFresh(String id) {
    GridView view = registry.view();
    int site = view.roster().indexOfSite(id);
    return site >= 0 && view.leaseFresh(site, clockMs.get());
  }

  private static RegistrySettings settings(int publishEveryMs, int sitesMax, int jurisdictionsMax) {
    return new RegistrySettings(
        publishEveryMs, sitesMax, jurisdictionsMax, GridViewSettings.DEFAULT);
  }

  private static SiteSpec site(String id, String jurisdiction) {
    ModelSpec model = requireNonNull(Models.byName(MODEL));
    Accelerator gpu = requireNonNull(Accelerators.byName("RTX PRO 6000"));
    return siteWith(id, jurisdiction, new EndpointSpec(model, EngineKind.EMULATED, gpu, 1, 8));
  }

  private static SiteSpec siteWith(String id, String jurisdiction, EndpointSpec endpoint) {
    return new SiteSpec(
        id,
        id,
        Tier.CELL,
        "tokyo",
        new GeoPoint(35.6, 139.7),
        jurisdiction,
        "operator",
        List.of(endpoint));
  }

  private static Heartbeat heartbeat(String id, long sequence, int leaseMs, int running) {
    var load = new EndpointLoad(MODEL, 0, 0, running, 0, 0);
    return new Heartbeat(id, sequence, leaseMs, AdmissionState.NEW_AND_EXISTING, List.of(load));
  }

  private static void until(BooleanSupplier condition) {
    long giveUp = System.nanoTime() + 20_000_000_000L;
    while (!condition.getAsBoolean()) {
      if (System.nanoTime() > giveUp) {
        throw new AssertionError("did not happen within 20 s");
      }
      LockSupport.parkNanos(1_000_000);
    }
  }
}
