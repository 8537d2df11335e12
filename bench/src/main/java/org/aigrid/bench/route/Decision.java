package org.aigrid.bench.route;

import java.util.SplittableRandom;
import java.util.concurrent.TimeUnit;
import org.aigrid.core.load.InFlight;
import org.aigrid.core.load.PrefixIndex;
import org.aigrid.core.load.PrefixIndexSettings;
import org.aigrid.core.load.PromptBlocks;
import org.aigrid.core.model.ServiceTier;
import org.aigrid.core.route.Route;
import org.aigrid.core.route.RouteRequest;
import org.aigrid.core.route.Router;
import org.aigrid.core.route.RouterSettings;
import org.aigrid.core.view.GridView;
import org.openjdk.jmh.annotations.Benchmark;
import org.openjdk.jmh.annotations.BenchmarkMode;
import org.openjdk.jmh.annotations.Mode;
import org.openjdk.jmh.annotations.OutputTimeUnit;
import org.openjdk.jmh.annotations.Scope;
import org.openjdk.jmh.annotations.Setup;
import org.openjdk.jmh.annotations.State;

/// One routing decision against 200,000 sites. Callers are anywhere; prompts have 512 to 24,576
/// tokens and a third of them continue a conversation. The requests are made beforehand and there
/// are enough of them (65,536 origins, 2,048 prompts) that neither the view's rows nor the prefix
/// index stay in the nearest cache.
@State(Scope.Benchmark)
@BenchmarkMode(Mode.SampleTime)
@OutputTimeUnit(TimeUnit.NANOSECONDS)
public class Decision {
  private static final int REQUESTS = 1 << 16;
  private static final int PROMPTS = 1 << 11;
  private static final long NOW_MS = 1_000;

  private final RouteRequest[] requests = new RouteRequest[REQUESTS];
  private final InFlight inFlight = new InFlight(1 << 16);
  private final PrefixIndex prefixes = new PrefixIndex(PrefixIndexSettings.DEFAULT);
  private final Router router = new Router(RouterSettings.DEFAULT);
  private final SplittableRandom random = new SplittableRandom(2);
  private GridView view = GridView.EMPTY;
  private int next;

  /// Builds the grid and the requests.
  @Setup
  public void prepare() {
    var grid = new LargeGrid(1);
    view = grid.builder.snapshot(0);
    var draws = new SplittableRandom(3);
    var prompts = new PromptBlocks[PROMPTS];
    int endpoints = view.roster().endpointCount();
    for (int i = 0; i < PROMPTS; i++) {
      prompts[i] = new PromptBlocks();
      byte[] text = new byte[PromptBlocks.BLOCK_BYTES * (8 + draws.nextInt(377))];
      draws.nextBytes(text);
      prompts[i].update(text, 0, text.length);
      if (i % 3 == 0) {
        prefixes.record(prompts[i], draws.nextInt(endpoints), 0);
      }
    }
    inFlight.grow(endpoints);
    for (int i = 0; i < 20_000; i++) {
      inFlight.charge(draws.nextInt(endpoints), draws.nextInt(4_000), Long.MAX_VALUE);
    }
    for (int i = 0; i < REQUESTS; i++) {
      PromptBlocks blocks = prompts[draws.nextInt(PROMPTS)];
      requests[i] =
          new RouteRequest(
              0,
              blocks.count() * PromptBlocks.BLOCK_TOKENS + draws.nextInt(64),
              256,
              blocks,
              draws.nextInt(view.roster().siteCount()),
              -1,
              60_000,
              ServiceTier.STANDARD,
              RouteRequest.NONE_TRIED);
    }
  }

  /// One decision.
  @Benchmark
  public Route decide() {
    next = (next + 1) & (REQUESTS - 1);
    return router.route(view, inFlight, prefixes, requests[next], random, NOW_MS);
  }
}
