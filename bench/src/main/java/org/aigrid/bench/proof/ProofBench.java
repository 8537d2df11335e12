package org.aigrid.bench.proof;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.Arrays;
import java.util.Comparator;
import java.util.List;
import java.util.Locale;
import java.util.concurrent.Callable;
import java.util.stream.Stream;
import org.aigrid.bench.machine.Machine;
import org.aigrid.live.proof.LogAudit;
import org.aigrid.live.proof.LogSettings;
import org.aigrid.live.proof.LogSource;
import org.aigrid.live.proof.Offer;
import org.aigrid.live.proof.Receipt;
import org.aigrid.live.proof.TenantDigests;
import org.aigrid.live.proof.TransparencyLog;
import org.aigrid.live.tlog.TrustPolicy;
import picocli.CommandLine.Command;
import picocli.CommandLine.Option;

/// `bench proof`: what a receipt costs the thread that answers a request (digests, the record, the
/// offer), and what the log's own thread does with a batch. Rounds of one batch each, timed as a
/// whole; medians and extremes of the rounds after a third of them as warm-up. Files go to the
/// folder that is named, since it is the disk that a commit waits for.
@Command(
    name = "proof",
    description = "Receipts on the path of a request, and a batch of them in the log.",
    mixinStandardHelpOptions = true,
    sortOptions = false)
public final class ProofBench implements Callable<Integer> {
  private static final int BODY_BYTES = 2_048;
  private static final Duration LIMIT = Duration.ofMinutes(2);

  @Option(names = "--batch", defaultValue = "10000", description = "Receipts of a batch.")
  private int batch;

  @Option(names = "--rounds", defaultValue = "30", description = "Batches.")
  private int rounds;

  @Option(names = "--folder", description = "Where the log is written (default: a temporary one).")
  private Path folder = Path.of(System.getProperty("java.io.tmpdir"));

  @Override
  public Integer call() throws IOException, InterruptedException {
    Path data = Files.createTempDirectory(folder, "grid-proof-");
    try {
      measure(data);
    } finally {
      try (Stream<Path> all = Files.walk(data)) {
        for (Path file : all.sorted(Comparator.reverseOrder()).toList()) {
          Files.delete(file);
        }
      }
    }
    return 0;
  }

  private void measure(Path data) throws IOException, InterruptedException {
    var settings =
        LogSettings.under(data, "grid.example/log/bench")
            .withBatches(2 * batch, Math.min(batch, 65_536), 600_000);
    var digestNanos = new double[rounds];
    var recordNanos = new double[rounds];
    var offerNanos = new double[rounds];
    var commitMs = new double[rounds];
    double auditMs;
    long publicBytes;
    try (TransparencyLog log = TransparencyLog.open(settings, System::currentTimeMillis)) {
      log.offer(receipt("first", "d", "d", "p")); // later batches wait until they are asked for
      log.flush(LIMIT);
      TenantDigests digests = log.digestsOf("tenant");
      byte[] body = new byte[BODY_BYTES];
      var receipts = new Receipt[batch];
      var texts = new String[batch];
      for (int round = 0; round < rounds; round++) {
        long t0 = System.nanoTime();
        for (int i = 0; i < batch; i++) {
          texts[i] = digests.of(body);
        }
        long t1 = System.nanoTime();
        for (int i = 0; i < batch; i++) {
          receipts[i] = receipt("req-" + round + "-" + i, texts[i], texts[i], digests.pseudonym());
        }
        long t2 = System.nanoTime();
        for (int i = 0; i < batch; i++) {
          if (log.offer(receipts[i], (long) round * batch + i) != Offer.TAKEN) {
            throw new IllegalStateException("the log did not take receipt " + i);
          }
        }
        long t3 = System.nanoTime();
        if (!log.flush(LIMIT)) {
          throw new IllegalStateException("the log did not finish a batch in " + LIMIT);
        }
        long t4 = System.nanoTime();
        digestNanos[round] = (double) (t1 - t0) / batch;
        recordNanos[round] = (double) (t2 - t1) / batch;
        offerNanos[round] = (double) (t3 - t2) / batch;
        commitMs[round] = (t4 - t3) / 1e6;
      }
      long t5 = System.nanoTime();
      LogAudit.check(
          LogSource.of(settings.publicFolder()),
          TrustPolicy.of(log.publicKeys()),
          null,
          (index, bytes) -> {});
      auditMs = (System.nanoTime() - t5) / 1e6;
      try (Stream<Path> all = Files.walk(settings.publicFolder())) {
        publicBytes = all.filter(Files::isRegularFile).mapToLong(ProofBench::size).sum();
      }
    }
    Machine machine = Machine.read(Path.of(System.getProperty("grid.root", "")).toAbsolutePath());
    System.out.printf(Locale.ROOT, "%n## Proof, %s%n%n", machine.date());
    System.out.print(
        machine.markdown("./grid bench proof --batch " + batch + " --rounds " + rounds));
    System.out.printf("%n| | median | least | most |%n|---|--:|--:|--:|%n");
    row("keyed digest of a body of 2 KiB", digestNanos, "ns");
    row("receipt, as a checked record", recordNanos, "ns");
    row("offer to the log", offerNanos, "ns");
    row("commit of " + batch + " receipts", commitMs, "ms");
    System.out.printf(
        Locale.ROOT,
        "%nAudit of all %,d entries: %.0f ms. Files: %.0f bytes a receipt.%n",
        (long) rounds * batch + 1,
        auditMs,
        (double) publicBytes / ((long) rounds * batch + 1));
  }

  private static long size(Path file) {
    try {
      return Files.size(file);
    } catch (IOException e) {
      throw new java.io.UncheckedIOException(e);
    }
  }

  private static void row(String what, double[] all, String unit) {
    double[] warm = Arrays.copyOfRange(all, all.length / 3, all.length);
    Arrays.sort(warm);
    System.out.printf(
        Locale.ROOT,
        "| %s | %.0f %s | %.0f %s | %.0f %s |%n",
        what,
        warm[warm.length / 2],
        unit,
        warm[0],
        unit,
        warm[warm.length - 1],
        unit);
  }

  private static Receipt receipt(String id, String request, String response, String pseudonym) {
    return new Receipt(
        "operator",
        id,
        pseudonym,
        "cell-minato",
        "operator",
        "JP",
        "L1",
        List.of(new Receipt.Attempt("cell-minato", "operator", "JP", "completed")),
        "sha256:0123456789abcdef",
        12_345,
        null,
        "llama-3.1-8b",
        null,
        request,
        response,
        new Receipt.Usage(512, 128, 256, "interactive"),
        "completed",
        "gateway-1",
        1_783_000_000_000L,
        1_783_000_000_900L,
        null);
  }
}
