package org.aigrid.bench.gateway;

import java.util.List;
import java.util.Locale;

/// The tables of a run as Markdown, and the goals beside what was measured. Pure functions.
final class GatewayReport {
  private static final long MIB = 1 << 20;

  private GatewayReport() {}

  static String plain(Series series, List<Integer> concurrencies, List<String> arms) {
    var out = new StringBuilder("### Not streamed\n\n");
    out.append(
        "| c | arm | requests/s | share of HAProxy | p50 us | p99 us | added p50 us | added p99 us"
            + " | CPU us/request | RSS MiB | errors |\n|--:|---|--:|--:|--:|--:|--:|--:|--:|--:|--:|\n");
    for (int c : concurrencies) {
      for (String arm : arms) {
        out.append("| " + c + " | " + arm)
            .append(text(series.of(c, arm, Sample::perSecond)))
            .append(shareOfHaproxy(series, c, arm))
            .append(text(series.of(c, arm, s -> s.load().latency().p50())))
            .append(text(series.of(c, arm, s -> s.load().latency().p99())))
            .append(added(series, c, arm, s -> s.load().latency().p50()))
            .append(added(series, c, arm, s -> s.load().latency().p99()))
            .append(costs(series, c, arm));
      }
    }
    return out.toString();
  }

  static String streamed(
      Series series, List<Integer> concurrencies, List<String> arms, int frames) {
    var out = new StringBuilder("### Streamed, %d frames as fast as they go\n\n".formatted(frames));
    out.append(
        "| c | arm | streams/s | share of HAProxy | TTFT p50 us | TTFT p99 us | added TTFT p50 us |"
            + " added TTFT p99 us | CPU us/stream | RSS MiB | errors |\n"
            + "|--:|---|--:|--:|--:|--:|--:|--:|--:|--:|--:|\n");
    for (int c : concurrencies) {
      for (String arm : arms) {
        out.append("| " + c + " | " + arm)
            .append(text(series.of(c, arm, Sample::perSecond)))
            .append(shareOfHaproxy(series, c, arm))
            .append(text(series.of(c, arm, s -> s.load().firstFrame().p50())))
            .append(text(series.of(c, arm, s -> s.load().firstFrame().p99())))
            .append(added(series, c, arm, s -> s.load().firstFrame().p50()))
            .append(added(series, c, arm, s -> s.load().firstFrame().p99()))
            .append(costs(series, c, arm));
      }
    }
    return out.toString();
  }

  static String paced(
      Series series, List<Integer> concurrencies, List<String> arms, int frames, double paceMs) {
    var out =
        new StringBuilder(
            String.format(
                Locale.ROOT, "### Streamed, %d frames, one each %.1f ms\n\n", frames, paceMs));
    out.append(
        "| c | arm | gap p50 us | gap p99 us | added gap p50 us | added gap p99 us |"
            + " CPU us/stream | RSS MiB | errors |\n|--:|---|--:|--:|--:|--:|--:|--:|--:|\n");
    for (int c : concurrencies) {
      for (String arm : arms) {
        out.append("| " + c + " | " + arm)
            .append(text(series.of(c, arm, s -> s.load().gap().p50())))
            .append(text(series.of(c, arm, s -> s.load().gap().p99())))
            .append(added(series, c, arm, s -> s.load().gap().p50()))
            .append(added(series, c, arm, s -> s.load().gap().p99()))
            .append(costs(series, c, arm));
      }
    }
    return out.toString();
  }

  /// The goals of the project beside what this run measured.
  static String goals(Series plain, Series streamed, List<Integer> concurrencies) {
    var out = new StringBuilder("### Goals\n\n| goal | measured (median) | met |\n|---|--:|---|\n");
    for (int c : concurrencies) {
      if (plain.has(c, Arm.GATEWAY) && plain.has(c, Arm.HAPROXY)) {
        double share = 100 * plain.share(c, Arm.GATEWAY, Arm.HAPROXY, Sample::perSecond).median();
        goal(out, "at least 50 % of HAProxy's requests/s, c=" + c, share, "%", share >= 50);
      }
    }
    for (int c : concurrencies) {
      if (plain.has(c, Arm.GATEWAY)) {
        double cpu = plain.of(c, Arm.GATEWAY, Sample::cpuMicros).median();
        goal(out, "CPU per request under 100 us, c=" + c, cpu, "us", cpu < 100);
      }
    }
    if (plain.has(1, Arm.GATEWAY) && plain.has(1, Arm.DIRECT)) {
      double p99 = plain.added(1, Arm.GATEWAY, Arm.DIRECT, s -> s.load().latency().p99()).median();
      goal(out, "added p99 under 300 us, c=1", p99, "us", p99 < 300);
    }
    if (streamed.has(1, Arm.GATEWAY) && streamed.has(1, Arm.DIRECT)) {
      double ttft =
          streamed.added(1, Arm.GATEWAY, Arm.DIRECT, s -> s.load().firstFrame().p99()).median();
      goal(out, "added TTFT p99 under 500 us, c=1", ttft, "us", ttft < 500);
    }
    return out.toString();
  }

  private static void goal(
      StringBuilder out, String goal, double measured, String unit, boolean met) {
    out.append(
        String.format(
            Locale.ROOT, "| %s | %.0f %s | %s |\n", goal, measured, unit, met ? "yes" : "**no**"));
  }

  private static String shareOfHaproxy(Series series, int c, String arm) {
    if (!series.has(c, Arm.HAPROXY)) {
      return " | -";
    }
    return String.format(
        Locale.ROOT,
        " | %.0f %%",
        100 * series.share(c, arm, Arm.HAPROXY, Sample::perSecond).median());
  }

  private static String added(
      Series series, int c, String arm, java.util.function.ToDoubleFunction<Sample> value) {
    return arm.equals(Arm.DIRECT) || !series.has(c, Arm.DIRECT)
        ? " | -"
        : text(series.added(c, arm, Arm.DIRECT, value));
  }

  private static String costs(Series series, int c, String arm) {
    String errors = series.errors(c, arm) + "";
    String firstError = series.firstError(c, arm);
    if (!firstError.equals("none")) {
      errors = "**" + errors + "** (" + firstError.replace('_', ' ') + ")";
    }
    if (arm.equals(Arm.DIRECT)) {
      return " | - | - | " + errors + " |\n";
    }
    return text(series.of(c, arm, Sample::cpuMicros))
        + String.format(
            Locale.ROOT, " | %.0f", series.of(c, arm, s -> (double) s.rssBytes() / MIB).most())
        + " | "
        + errors
        + " |\n";
  }

  private static String text(Spread spread) {
    return " | " + spread.text();
  }
}
