package org.aigrid.live.up;

import java.io.IOException;
import java.util.TreeMap;
import org.aigrid.core.node.Governor;
import org.aigrid.core.node.JobNotice;
import org.aigrid.live.radio.BatchJobs;
import org.aigrid.live.radio.CalibratedRadio;
import org.aigrid.live.radio.GpuSplit;
import org.aigrid.live.radio.MeasuredRadio;
import org.aigrid.live.radio.RadioLoad;
import org.aigrid.live.radio.RecordedRadio;
import org.aigrid.live.radio.SplitCommands;
import org.aigrid.live.radio.SyntheticRadio;
import org.aigrid.live.site.SharedGpu;
import org.aigrid.live.topology.RadioPlan;
import org.jspecify.annotations.Nullable;

/// Turns what a topology says of a site's radio into the parts that listen to it.
final class SharedGpus {
  private SharedGpus() {}

  /// @throws IllegalArgumentException when a file cannot be used; the message says which and where
  static @Nullable SharedGpu of(@Nullable RadioPlan plan, String siteId) {
    if (plan == null) {
      return null;
    }
    Governor.Settings settings = Governor.Settings.DEFAULT;
    if (plan.source() instanceof RadioPlan.Source.Measured measured) {
      settings = settings.withSignalMsMax(metrics(measured).staleMs());
    }
    return new SharedGpu(
        new CalibratedRadio(load(plan.source(), siteId), plan.base(), plan.slope()),
        split(plan.split()).and(jobs(plan.jobs())),
        settings);
  }

  private static RadioLoad load(RadioPlan.Source source, String siteId) {
    return switch (source) {
      case RadioPlan.Source.Synthetic(double mean, double burstEveryS) ->
          new SyntheticRadio(mean, burstEveryS, siteId.hashCode());
      case RadioPlan.Source.Recorded(var file) -> {
        try {
          yield RecordedRadio.read(file);
        } catch (IOException e) {
          throw new IllegalArgumentException(
              "the radio of " + siteId + ": cannot read " + file + ": " + e.getMessage(), e);
        }
      }
      case RadioPlan.Source.Measured measured -> new MeasuredRadio(metrics(measured));
    };
  }

  private static MeasuredRadio.Settings metrics(RadioPlan.Source.Measured plan) {
    return new MeasuredRadio.Settings(
        plan.url(), plan.metric(), plan.labels(), plan.full(), plan.pollMs());
  }

  private static GpuSplit split(RadioPlan.@Nullable Split plan) {
    if (plan == null) {
      return GpuSplit.NONE;
    }
    SplitCommands.Kind kind =
        switch (plan.kind()) {
          case "mps" -> new SplitCommands.Kind.Mps(plan.serverPid());
          case "mig" -> {
            var byShare = new TreeMap<Double, String>();
            plan.profiles().forEach((name, share) -> byShare.put(share, name));
            yield new SplitCommands.Kind.Mig(plan.gpu(), byShare);
          }
          default -> new SplitCommands.Kind.Own(plan.command());
        };
    return new SplitCommands(kind, plan.step(), 1_000 * plan.pauseS(), plan.dryRun());
  }

  private static GpuSplit jobs(RadioPlan.@Nullable Jobs plan) {
    if (plan == null) {
      return GpuSplit.NONE;
    }
    return new BatchJobs(
        new BatchJobs.Settings(
            plan.pidFile(),
            plan.group(),
            BatchJobs.Signal.valueOf(plan.signal()),
            new JobNotice.Settings(plan.needs(), plan.graceMs(), 1_000 * plan.calmS()),
            plan.dryRun()));
  }
}
