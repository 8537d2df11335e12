package org.aigrid.bench.gateway;

import java.util.List;
import java.util.Locale;
import java.util.function.ToDoubleFunction;
import org.aigrid.bench.machine.ThreadCosts;

/// Where the gateway's time goes: its threads by what they do, and a table of them. Pure functions.
final class GatewayParts {
  private static final String EVENT_LOOPS = "event loops: all of a request but its wait";
  private static final String JOURNAL = "journal: write, fdatasync, tell the event loop";
  private static final String BOOK_KEEPER = "book-keeper: journal to books";
  private static final String LOG = "transparency log: receipts, tiles, signatures";
  private static final String COMPILERS = "JVM: compilers";
  private static final String COLLECTOR = "JVM: garbage collector";
  private static final String REST = "the rest of the gateway's process";
  private static final String DATABASE = "PostgreSQL (a process of its own)";

  private static final List<String> ORDER =
      List.of(EVENT_LOOPS, JOURNAL, BOOK_KEEPER, LOG, COLLECTOR, COMPILERS, REST, DATABASE);

  private GatewayParts() {}

  /// The part of a thread, by the name of its process and its own.
  static String partOf(String process, String thread) {
    if (process.startsWith("postgres")) {
      return DATABASE;
    }
    if (thread.startsWith("gateway-")) {
      return EVENT_LOOPS;
    }
    if (thread.equals("journal")) {
      return JOURNAL;
    }
    if (thread.equals("book-keeper")) {
      return BOOK_KEEPER;
    }
    if (thread.startsWith("transparency")) {
      return LOG;
    }
    if (thread.startsWith("G1 ") || thread.startsWith("GC Thread") || thread.startsWith("VM ")) {
      return COLLECTOR;
    }
    return thread.startsWith("C1 ") || thread.startsWith("C2 ") ? COMPILERS : REST;
  }

  /// A table of parts for each number of requests in flight at which `arm` was measured.
  static String table(Series series, List<Integer> concurrencies, String arm) {
    var out = new StringBuilder();
    for (int c : concurrencies) {
      out.append(
          "Where the time of `%s` goes, not streamed, c=%d, for each request:\n\n"
              .formatted(arm, c));
      out.append("| part | CPU us | ready and waiting for a processor, us | times it slept |\n");
      out.append("|---|--:|--:|--:|\n");
      for (String part : ORDER) {
        if (has(series, c, arm, part)) {
          Spread cpu = of(series, c, arm, part, cost -> cost.cpuNanos() / 1e3);
          out.append(
              String.format(
                  Locale.ROOT,
                  "| %s | %.1f (%.1f to %.1f) | %.1f | %.2f |\n",
                  part,
                  cpu.median(),
                  cpu.least(),
                  cpu.most(),
                  of(series, c, arm, part, cost -> cost.waitNanos() / 1e3).median(),
                  of(series, c, arm, part, ThreadCosts.Cost::sleeps).median()));
        }
      }
      out.append('\n');
    }
    return out.toString();
  }

  private static boolean has(Series series, int c, String arm, String part) {
    return series.rounds(c, arm).stream()
        .anyMatch(sample -> sample.parts().groups().containsKey(part));
  }

  private static Spread of(
      Series series, int c, String arm, String part, ToDoubleFunction<ThreadCosts.Cost> value) {
    return series.of(c, arm, sample -> sample.partPerAnswer(part, value));
  }
}
