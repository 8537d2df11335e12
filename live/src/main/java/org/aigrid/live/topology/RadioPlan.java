package org.aigrid.live.topology;

import java.net.URI;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/// The radio that shares a site's GPU, as a topology says it. Immutable.
///
/// @param source where the site hears of it
/// @param base share of the GPU that empty slots take
/// @param slope share of the GPU for each whole of the source's load
/// @param split what enforces the split on the device beside the engine's limits; null for nothing
/// @param jobs a batch job that runs on the GPU beside the grid; null for none
public record RadioPlan(
    Source source, double base, double slope, @Nullable Split split, @Nullable Jobs jobs) {
  /// This plan as it is at one site: `{site}` in names of files is its id.
  RadioPlan at(String siteId) {
    return jobs == null ? this : new RadioPlan(source, base, slope, split, jobs.at(siteId));
  }

  /// Where a site hears what its radio wants.
  public sealed interface Source {
    /// Made up.
    ///
    /// @param mean load outside bursts
    /// @param burstEveryS mean pause between bursts
    record Synthetic(double mean, double burstEveryS) implements Source {}

    /// Lines of `seconds,share`.
    record Recorded(Path file) implements Source {}

    /// A metrics page.
    record Measured(URI url, String metric, String labels, double full, int pollMs)
        implements Source {}
  }

  /// Commands that split the GPU.
  ///
  /// @param kind `mps`, `mig` or `command`
  /// @param serverPid of the MPS server, for `mps`
  /// @param gpu its index, for `mig`
  /// @param profiles share by name, for `mig`
  /// @param command words with `{percent}`, for `command`
  /// @param step multiples in which the share is given
  /// @param pauseS between two changes at least
  /// @param dryRun whether commands are logged and not run
  public record Split(
      String kind,
      int serverPid,
      int gpu,
      Map<String, Double> profiles,
      List<String> command,
      double step,
      int pauseS,
      boolean dryRun) {
    public Split {
      profiles = Map.copyOf(profiles);
      command = List.copyOf(command);
    }
  }

  /// A batch job that has to make room for the radio.
  ///
  /// @param pidFile names its process; no two sites share one
  /// @param group whether that process's whole group is stopped
  /// @param signal tells it to save its work, one of `SIGNALS`
  /// @param needs share of the GPU below which it may not run
  /// @param graceMs between that signal and its end at most
  /// @param calmS for which the share has to be enough before it goes on
  /// @param dryRun whether commands are logged and not run
  public record Jobs(
      Path pidFile,
      boolean group,
      String signal,
      double needs,
      int graceMs,
      int calmS,
      boolean dryRun) {
    /// Names of the signals that may be sent.
    public static final List<String> SIGNALS = List.of("USR1", "USR2", "HUP", "INT", "TERM");

    Jobs at(String siteId) {
      Path file = Path.of(pidFile.toString().replace("{site}", siteId));
      return new Jobs(file, group, signal, needs, graceMs, calmS, dryRun);
    }
  }
}
