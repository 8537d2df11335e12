package org.aigrid.twin;

import java.io.PrintWriter;
import java.util.List;
import java.util.concurrent.Callable;
import org.aigrid.twin.slots.RadioSettings;
import org.aigrid.twin.slots.SharingRule;
import org.aigrid.twin.slots.SlotOutcome;
import org.aigrid.twin.slots.SlotPlay;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.Spec;

/// `twin slots`: a base station's GPU at the grain of radio slots.
@Command(
    name = "slots",
    description = {
      "Plays the GPU of one base station slot by slot: radio jobs with deadlines, AI in pieces, under"
          + " different rules of sharing. Prints a Markdown table.",
      ""
    },
    mixinStandardHelpOptions = true)
final class SlotsCommand implements Callable<Integer> {
  @Option(
      names = "--slots",
      paramLabel = "N",
      description = "Slots to play for each rule (default: ${DEFAULT-VALUE}).")
  private long slots = 1_000_000;

  @Option(names = "--seed", paramLabel = "N", description = "Of the radio and the noise.")
  private long seed = 1;

  @Option(
      names = "--mean-share",
      paramLabel = "S",
      description = "Share of the GPU that traffic takes outside bursts (default: 0.15).")
  private double meanShare = RadioSettings.DEFAULT.meanShare();

  @Option(
      names = "--burst-every-s",
      paramLabel = "S",
      description = "Mean pause between two bursts, in seconds (default: 3).")
  private double burstEveryS = RadioSettings.DEFAULT.burstEveryS();

  @Spec private @Nullable CommandSpec spec;

  @Override
  public Integer call() {
    if (spec == null) {
      return 1;
    }
    RadioSettings usual = RadioSettings.DEFAULT;
    var radio =
        new RadioSettings(
            usual.slotMs(),
            usual.deadlineMs(),
            usual.idleShare(),
            meanShare,
            burstEveryS,
            usual.burstLeast());
    PrintWriter out = spec.commandLine().getOut();
    out.println(
        "| rule | slots on time | late | radio | idle GPU sold | tokens/s | revoked/h | reclaim max |");
    out.println("|---|--:|--:|--:|--:|--:|--:|--:|");
    for (SharingRule rule :
        List.of(
            SharingRule.OURS,
            SharingRule.OURS_SECOND_OLD,
            SharingRule.LAYERS_ONLY,
            SharingRule.STEPS_ONLY,
            SharingRule.FOLLOWING,
            SharingRule.FOLLOWING_SECOND_OLD,
            SharingRule.fixed(0.1),
            SharingRule.fixed(0.3),
            SharingRule.fixed(0.6))) {
      SlotOutcome outcome = SlotPlay.run(radio, rule, slots, seed);
      out.printf(
          "| %s | %.4f %% | %,d | %.1f %% | %.1f %% | %,.0f | %,.0f | %.1f ms |%n",
          rule.name(),
          100 * outcome.onTime(),
          outcome.late(),
          100 * outcome.radioMs() / outcome.spanMs(),
          100 * outcome.sold(),
          1_000 * outcome.tokens() / outcome.spanMs(),
          3.6e6 * outcome.revoked() / outcome.spanMs(),
          outcome.reclaimMsMost());
      out.flush();
    }
    return 0;
  }
}
