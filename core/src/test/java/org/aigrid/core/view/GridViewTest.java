package org.aigrid.core.view;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.util.ArrayList;
import java.util.List;
import java.util.SplittableRandom;
import org.aigrid.core.SmallWorld;
import org.aigrid.core.model.SiteSpec;
import org.aigrid.core.model.Tier;
import org.junit.jupiter.api.Test;

class GridViewTest {
  private static final SiteSpec SITE = SmallWorld.site("a", Tier.CELL, 35, 139);

  private final GridViewBuilder builder = new GridViewBuilder(GridViewSettings.DEFAULT);

  @Test
  void aSnapshotNeverChangesWhateverIsAppliedLater() {
    for (int seed = 0; seed < 50; seed++) {
      var random = new SplittableRandom(seed);
      List<SiteSpec> sites = SmallWorld.sites(300, random);
      var changing = new GridViewBuilder(GridViewSettings.DEFAULT);
      changing.registerAll(sites.subList(0, 200));
      var views = new ArrayList<GridView>();
      var written = new ArrayList<List<Long>>();
      for (int step = 0; step < 10; step++) {
        for (int i = 0; i < 40; i++) {
          SiteSpec site = sites.get(random.nextInt(sites.size()));
          switch (random.nextInt(20)) {
            case 0 -> changing.register(site);
            case 1 -> changing.remove(site.id());
            default -> changing.apply(SmallWorld.any(site, step * 100L + i, random), step * 100L);
          }
        }
        views.add(changing.snapshot(step));
        written.add(contents(views.getLast()));
      }
      for (int i = 0; i < views.size(); i++) {
        assertThat(contents(views.get(i))).as("seed %d view %d", seed, i).isEqualTo(written.get(i));
      }
    }
  }

  private static List<Long> contents(GridView view) {
    var all = new ArrayList<Long>();
    all.add(view.revision());
    for (int s = 0; s < view.roster().siteCount(); s++) {
      all.add(view.leaseEndMs(s));
      all.add((long) view.admission(s).ordinal());
    }
    for (int e = 0; e < view.roster().endpointCount(); e++) {
      all.add((long) view.roster().siteOf(e));
      all.add(view.serving(e) ? 1L : 0L);
      all.add((long) view.queuedTokens(e));
      all.add((long) view.waiting(e));
      all.add((long) view.running(e));
      all.add((long) view.contextTokens(e));
      all.add(view.reportSequence(e));
      all.add((long) view.prefillTokensPerSecond(e));
    }
    return all;
  }

  @Test
  void silenceEndsTheLease() {
    builder.register(SITE);
    assertThat(builder.apply(SmallWorld.idle(SITE, 1, 2_000), 10_000))
        .isEqualTo(new Applied.Accepted(0, 12_000));
    GridView view = builder.snapshot(10_000);
    assertThat(view.leaseFresh(0, 11_999)).isTrue();
    assertThat(view.leaseFresh(0, 12_000)).isFalse();
  }

  @Test
  void aLeaseIsKeptWithinItsBounds() {
    builder.register(SITE);
    assertThat(builder.apply(SmallWorld.idle(SITE, 1, Integer.MAX_VALUE), 0))
        .isEqualTo(new Applied.Accepted(0, GridViewSettings.DEFAULT.leaseMsMost()));
    assertThat(builder.apply(SmallWorld.idle(SITE, 2, -5), 0))
        .isEqualTo(new Applied.Accepted(0, GridViewSettings.DEFAULT.leaseMsLeast()));
  }

  @Test
  void aHeartbeatThatWasOvertakenChangesNothing() {
    builder.register(SITE);
    builder.apply(SmallWorld.idle(SITE, 5, 1_000), 0);
    GridView before = builder.snapshot(0);
    assertThat(builder.apply(SmallWorld.idle(SITE, 5, 9_000), 500))
        .isEqualTo(new Applied.Stale(0, 5));
    assertThat(builder.apply(SmallWorld.idle(SITE, 4, 9_000), 500))
        .isEqualTo(new Applied.Stale(0, 5));
    assertThat(builder.snapshot(500)).isSameAs(before);
  }

  @Test
  void whoIsNotRegisteredIsToldSo() {
    assertThat(builder.apply(SmallWorld.idle(SITE, 1, 1_000), 0))
        .isEqualTo(new Applied.UnknownSite("a"));
    builder.register(SITE);
    builder.snapshot(0);
    builder.remove("a");
    assertThat(builder.apply(SmallWorld.idle(SITE, 2, 1_000), 0))
        .isEqualTo(new Applied.UnknownSite("a"));
  }

  @Test
  void aSiteIsRoutableOnlyAfterItsFirstHeartbeat() {
    builder.register(SITE);
    GridView view = builder.snapshot(0);
    assertThat(view.leaseFresh(0, Long.MIN_VALUE + 1)).isFalse();
    assertThat(view.admission(0)).isEqualTo(AdmissionState.NONE);
    assertThat(view.serving(0)).isFalse();
  }

  @Test
  void whoRegistersAnewStartsItsSequenceAgainAndHasNoLease() {
    builder.register(SITE);
    builder.apply(SmallWorld.idle(SITE, 900, 5_000), 0);
    builder.register(SITE);
    GridView view = builder.snapshot(1);
    assertThat(view.leaseFresh(0, 1)).isFalse();
    assertThat(builder.apply(SmallWorld.idle(SITE, 1, 5_000), 2))
        .isEqualTo(new Applied.Accepted(0, 5_002));
    assertThat(builder.snapshot(2).leaseFresh(0, 3)).isTrue();
  }

  @Test
  void aModelThatIsMissingInTheHeartbeatIsNotServed() {
    builder.register(SITE);
    builder.apply(new Heartbeat("a", 1, 1_000, AdmissionState.NEW_AND_EXISTING, List.of()), 0);
    assertThat(builder.snapshot(0).serving(0)).isFalse();
    builder.apply(SmallWorld.idle(SITE, 2, 1_000), 0);
    assertThat(builder.snapshot(0).serving(0)).isTrue();
  }

  @Test
  void aSiteThatCannotServeItsModelIsRefusedAndSpoilsNothing() {
    builder.register(SITE);
    SiteSpec impossible =
        SmallWorld.site(
            "b", Tier.CELL, 1, 1, "JP", List.of(SmallWorld.endpoint("llama-3.1-70b", "L4")));
    assertThatThrownBy(() -> builder.register(impossible)).hasMessageContaining("does not fit");
    assertThat(builder.snapshot(0).roster().siteCount()).isEqualTo(1);
  }
}
