package org.aigrid.twin.burst;

import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.Callable;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.stream.DoubleStream;
import org.aigrid.twin.report.Interval;

/// The experiment: for each arm and round trip the largest load that stays within the bounds, then
/// all of them on one ladder of loads. The same settings and plan give the same result on any
/// number of threads. About 40 ms a play of twenty thousand requests.
public final class Burst {
  /// Who wants to know that a play is over. Called from the playing threads.
  public interface Progress {
    /// One more.
    void played();
  }

  /// An arm at a round trip, played.
  ///
  /// @param arm which
  /// @param roundTripMs to its GPUs; of sites, to the nearest
  /// @param found by seed: the largest load within the bounds
  /// @param ladder by level and seed
  public record Row(
      Arm arm,
      double roundTripMs,
      List<LoadSearch.Found> found,
      List<List<BurstPlay.Point>> ladder) {
    public Row {
      found = List.copyOf(found);
      ladder = List.copyOf(ladder);
    }

    /// Requests per second, the largest load within the bounds.
    public Interval largestPerSecond() {
      return interval(found.stream().mapToDouble(LoadSearch.Found::perSecond));
    }

    /// Tokens per second at that load.
    public Interval largestGoodput() {
      return interval(found.stream().mapToDouble(LoadSearch.Found::goodput));
    }

    /// Tokens per second within the bounds at a level of the ladder.
    public Interval goodput(int level) {
      return interval(ladder.get(level).stream().mapToDouble(BurstPlay.Point::goodput));
    }

    /// Share of requests within the bounds at a level of the ladder.
    public Interval met(int level) {
      return interval(ladder.get(level).stream().mapToDouble(BurstPlay.Point::met));
    }

    private static Interval interval(DoubleStream values) {
      return Interval.of(values.toArray());
    }
  }

  /// What came of it.
  ///
  /// @param settings of all arms
  /// @param plan that was played
  /// @param baselinePerSecond requests at the ladder's first level
  /// @param rows the sites first, then the centre by round trip
  public record Result(
      BurstSettings settings, BurstPlan plan, double baselinePerSecond, List<Row> rows) {
    public Result {
      rows = List.copyOf(rows);
    }

    /// The rows of an arm, by rising round trip.
    public List<Row> of(Arm arm) {
      return rows.stream().filter(row -> row.arm() == arm).toList();
    }
  }

  private record Setup(Arm arm, double roundTripMs) {}

  private final BurstSettings settings;
  private final BurstPlan plan;
  private final Progress progress;

  private Burst(BurstSettings settings, BurstPlan plan, Progress progress) {
    this.settings = settings;
    this.plan = plan;
    this.progress = progress;
  }

  /// Plays it all.
  ///
  /// @param threads 1 or more
  public static Result of(BurstSettings settings, BurstPlan plan, int threads, Progress progress) {
    try (ExecutorService crew = Executors.newFixedThreadPool(threads)) {
      return new Burst(settings, plan, progress).run(crew);
    }
  }

  private Result run(ExecutorService crew) {
    List<Setup> setups = setups();
    List<List<LoadSearch.Found>> found = new ArrayList<>();
    for (List<Future<LoadSearch.Found>> bySeed : eachSeed(crew, setups, this::search)) {
      found.add(collect(bySeed));
    }
    double baseline = plan.baselinePerSecond();
    if (baseline == 0) {
      int pooled = setups.indexOf(new Setup(Arm.SITES_POOLED, settings.siteRoundTripMs()));
      double largest =
          found.get(pooled).stream().mapToDouble(LoadSearch.Found::perSecond).average().orElse(0);
      baseline = largest / LoadLevel.LADDER.get(LoadLevel.BURST).factor();
    }
    if (baseline <= 0) {
      throw new IllegalArgumentException(
          "the pooled sites meet the bounds at no load (expected: bounds that one request can meet,"
              + " or a baseline of your own)");
    }
    double perSecond = baseline;
    var ladders = new ArrayList<List<List<Future<BurstPlay.Point>>>>();
    for (LoadLevel level : LoadLevel.LADDER) {
      double load = perSecond * level.factor();
      ladders.add(eachSeed(crew, setups, (setup, seed) -> play(setup, load, seed)));
    }
    var rows = new ArrayList<Row>();
    for (int i = 0; i < setups.size(); i++) {
      var ladder = new ArrayList<List<BurstPlay.Point>>();
      for (List<List<Future<BurstPlay.Point>>> level : ladders) {
        ladder.add(collect(level.get(i)));
      }
      Setup setup = setups.get(i);
      rows.add(new Row(setup.arm(), setup.roundTripMs(), found.get(i), ladder));
    }
    return new Result(settings, plan, baseline, rows);
  }

  private List<Setup> setups() {
    var setups = new ArrayList<Setup>();
    for (Arm arm : List.of(Arm.SITES_ALONE, Arm.SITES_POOLED)) {
      setups.add(new Setup(arm, settings.siteRoundTripMs()));
    }
    for (Arm arm : List.of(Arm.CENTRE, Arm.CENTRE_ROUTED)) {
      plan.roundTripsMs().forEach(ms -> setups.add(new Setup(arm, ms)));
    }
    return setups;
  }

  private interface Task<T> {
    T of(Setup setup, long seed);
  }

  private <T> List<List<Future<T>>> eachSeed(
      ExecutorService crew, List<Setup> setups, Task<T> task) {
    var all = new ArrayList<List<Future<T>>>();
    for (Setup setup : setups) {
      var bySeed = new ArrayList<Future<T>>();
      for (int i = 0; i < plan.seeds(); i++) {
        long seed = plan.firstSeed() + i;
        Callable<T> call = () -> task.of(setup, seed);
        bySeed.add(crew.submit(call));
      }
      all.add(bySeed);
    }
    return all;
  }

  private static <T> List<T> collect(List<Future<T>> futures) {
    var list = new ArrayList<T>();
    for (Future<T> future : futures) {
      try {
        list.add(future.get());
      } catch (InterruptedException stopped) {
        Thread.currentThread().interrupt();
        throw new IllegalStateException("stopped before all was played", stopped);
      } catch (ExecutionException failed) {
        throw new IllegalStateException("a play failed: " + failed.getCause(), failed.getCause());
      }
    }
    return list;
  }

  private LoadSearch.Found search(Setup setup, long seed) {
    return LoadSearch.largest(
        perSecond -> play(setup, perSecond, seed),
        settings.bounds().metLeast(),
        settings.impossiblePerSecond());
  }

  private BurstPlay.Point play(Setup setup, double perSecond, long seed) {
    BurstPlay.Point point =
        BurstPlay.of(settings, setup.arm(), setup.roundTripMs(), perSecond, seed);
    progress.played();
    return point;
  }
}
