package org.aigrid.live.up;

import java.io.IOException;
import java.io.PrintWriter;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.time.DateTimeException;
import java.time.Duration;
import java.time.YearMonth;
import java.time.ZoneOffset;
import java.util.List;
import java.util.Locale;
import java.util.concurrent.Callable;
import java.util.stream.Stream;
import org.aigrid.live.proof.HttpLogSource;
import org.aigrid.live.proof.LogAudit;
import org.aigrid.live.proof.LogKeys;
import org.aigrid.live.proof.LogSettings;
import org.aigrid.live.proof.LogSource;
import org.aigrid.live.proof.ReceiptSearch;
import org.aigrid.live.proof.ResidencyReport;
import org.aigrid.live.proof.TenantDigests;
import org.aigrid.live.tlog.Checkpoint;
import org.aigrid.live.tlog.FormatException;
import org.aigrid.live.tlog.Hash;
import org.aigrid.live.tlog.NoteKey;
import org.aigrid.live.tlog.SignedNote;
import org.aigrid.live.tlog.TlogProof;
import org.aigrid.live.tlog.TrustPolicy;
import org.aigrid.live.tlog.UntrustedException;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.ArgGroup;
import picocli.CommandLine.Command;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.Parameters;
import picocli.CommandLine.Spec;
import tools.jackson.databind.ObjectMapper;
import tools.jackson.databind.node.ObjectNode;

/// Checks the log of receipts, proves where a request ran, reports where a tenant's data was. Needs
/// no running grid: everything is read from files or over HTTP and checked before it is shown.
@Command(
    name = "audit",
    description = {
      "Checks the log of receipts, proves where a request ran, reports where data was processed.",
      "",
      "  ./grid audit verify --data DIR                        the whole log, from its folder",
      "  ./grid audit verify --url URL --policy FILE           the whole log, over HTTP",
      "  ./grid audit prove REQUEST-ID --data DIR              two files that prove one receipt",
      "  ./grid audit verify --proof FILE --receipt FILE --policy FILE   checks them offline",
      "  ./grid audit report --tenant T --month 2026-07 --data DIR   where was my data processed?",
      "  ./grid audit witness --name NAME --data DIR --log VKEY      cosigns another's log",
      "",
      "A policy file says whom to believe (c2sp.org/tlog-policy); get it by a way that you trust.",
      "docs/proof.md explains what a receipt says and what it does not.",
      ""
    },
    subcommands = {
      AuditCommand.Verify.class,
      AuditCommand.Prove.class,
      AuditCommand.Report.class,
      WitnessCommand.class
    },
    mixinStandardHelpOptions = true,
    synopsisSubcommandLabel = "COMMAND")
final class AuditCommand implements Runnable {
  @Spec private @Nullable CommandSpec spec;

  @Override
  public void run() {
    if (spec != null) {
      spec.commandLine().usage(spec.commandLine().getOut());
    }
  }

  /// Where the log is, and whom to believe about it.
  static final class Where {
    @Option(
        names = "--data",
        paramLabel = "DIR",
        description = "Data folder of the grid, as ./grid up --data has it.")
    private @Nullable Path data;

    @Option(
        names = "--url",
        paramLabel = "URL",
        description = "Where the log is served: https, or http on this machine.")
    private @Nullable String url;

    @Option(
        names = "--policy",
        paramLabel = "FILE",
        description = {
          "Whom to believe: keys of the log, witnesses, quorum.",
          "Default with --data: the log's own keys, which only shows that the log agrees with itself."
        })
    private @Nullable Path policy;

    boolean given() {
      return data != null || url != null;
    }

    LogSource source() {
      if (data == null == (url == null)) {
        throw new CommandFailure("where is the log? (expected: --data DIR or --url URL)");
      }
      if (url != null) {
        try {
          return new HttpLogSource(url);
        } catch (IllegalArgumentException e) {
          throw new CommandFailure(String.valueOf(e.getMessage()));
        }
      }
      return LogSource.of(settings(dataFolder()).publicFolder());
    }

    Path dataFolder() {
      if (data == null) {
        throw new CommandFailure("which data folder? (expected: --data DIR)");
      }
      return data;
    }

    @Nullable String url() {
      return url;
    }

    static LogSettings settings(Path data) {
      return LogSettings.under(data, "unknown");
    }

    TrustPolicy trusted(PrintWriter out) {
      Path file = policy;
      if (file == null && data != null) {
        file = settings(data).folder().resolve("trust-policy.txt");
        if (!Files.exists(file)) {
          throw new CommandFailure(
              "no log in " + data + " (expected: the folder of ./grid up --data)");
        }
        out.println("Believing the log's own keys, " + file + "; an auditor brings --policy FILE.");
      }
      if (file == null) {
        throw new CommandFailure("whom to believe? (expected: --policy FILE)");
      }
      try {
        return TrustPolicy.parse(Files.readString(file));
      } catch (IOException e) {
        throw new CommandFailure("policy " + file + " cannot be read: " + e.getMessage());
      } catch (FormatException e) {
        throw new CommandFailure(file + ": " + e.getMessage());
      }
    }
  }

  /// What an audit does; an exception is the finding.
  @FunctionalInterface
  private interface Audit<T> {
    T run() throws IOException;
  }

  private static <T> T finding(Audit<T> audit) {
    try {
      return audit.run();
    } catch (UntrustedException | FormatException e) {
      throw new CommandFailure("NOT proved: " + e.getMessage());
    } catch (IOException e) {
      throw new CommandFailure("NOT proved: " + e.getMessage());
    }
  }

  /// Checks a log or a proof.
  @Command(
      name = "verify",
      description = {
        "Checks a whole log, or one proof offline.",
        "",
        "A whole log: the checkpoint's signatures, every entry against its hash, every tile against",
        "the one above, the root, and that nothing changed since the last check from this folder.",
        "Exit code 0 when all of it holds; else 1, and a sentence says what does not.",
        ""
      },
      mixinStandardHelpOptions = true,
      sortOptions = false)
  static final class Verify implements Callable<Integer> {
    @Spec private @Nullable CommandSpec spec;

    @ArgGroup(exclusive = false)
    private @Nullable Where where;

    @Option(
        names = "--memory",
        paramLabel = "FILE",
        description = {
          "The checkpoint that was checked last; replaced after each good check.",
          "Default: a file for each log under .grid/audit. Keep it: it shows rollbacks and forks."
        })
    private @Nullable Path memory;

    @Option(names = "--proof", paramLabel = "FILE", description = "A .tlog-proof file.")
    private @Nullable Path proof;

    @Option(names = "--receipt", paramLabel = "FILE", description = "The receipt that it proves.")
    private @Nullable Path receipt;

    @Option(
        names = "--witness",
        paramLabel = "VKEY",
        description =
            "Key of a witness that has to have signed, beside what the policy asks for; repeatable."
                + " Keys with one name are one witness.")
    private List<String> witnesses = List.of();

    @Option(
        names = "--witnesses-least",
        paramLabel = "K",
        description = "How many of the --witness ones are enough. Default: all of them.")
    private @Nullable Integer witnessesLeast;

    /// How long cosignatures of a log that grows are waited for.
    private static final Duration PATIENCE = Duration.ofSeconds(2);

    private TrustPolicy asking(TrustPolicy policy) {
      if (witnesses.isEmpty()) {
        if (witnessesLeast != null) {
          throw new CommandFailure(
              "--witnesses-least "
                  + witnessesLeast
                  + " of which? (expected: --witness VKEY, repeated)");
        }
        return policy;
      }
      List<NoteKey> keys =
          witnesses.stream().distinct().map(vkey -> WitnessOption.key("--witness", vkey)).toList();
      int named = (int) keys.stream().map(NoteKey::name).distinct().count();
      try {
        return policy.asking(keys, witnessesLeast == null ? named : witnessesLeast);
      } catch (FormatException e) {
        throw new CommandFailure("--witnesses-least: " + e.getMessage());
      }
    }

    @Override
    public Integer call() {
      PrintWriter out = out(spec);
      Where place = where == null ? new Where() : where;
      if (proof != null || receipt != null) {
        return offline(out, place);
      }
      LogSource source = place.source();
      TrustPolicy policy = asking(place.trusted(out));
      var counts = new long[2];
      LogAudit.Checked checked =
          finding(
              () -> {
                SignedNote note = LogAudit.checkpoint(source, policy, PATIENCE);
                return LogAudit.check(
                    source,
                    note,
                    policy,
                    remembered(Checkpoint.parse(note.text()).origin()),
                    (index, bytes) -> counts[ReceiptSearch.isReceipt(bytes) ? 0 : 1]++);
              });
      Checkpoint checkpoint = checked.trusted().checkpoint();
      remember(checkpoint);
      out.printf(
          Locale.ROOT,
          "The log %s is whole: %,d receipts and %,d changes, root %s.%n",
          checkpoint.origin(),
          counts[0],
          counts[1],
          checkpoint.root());
      signers(out, checked.trusted());
      Checkpoint before = checked.remembered();
      out.println(
          before == null
              ? "First check from here: its checkpoint is remembered for the next one."
              : String.format(
                  Locale.ROOT,
                  "It continues the %,d entries that were checked last.",
                  before.size()));
      return 0;
    }

    private int offline(PrintWriter out, Where place) {
      Path proofFile = proof;
      Path receiptFile = receipt;
      if (proofFile == null || receiptFile == null) {
        throw new CommandFailure("a proof needs both --proof FILE and --receipt FILE");
      }
      TrustPolicy policy = asking(place.trusted(out));
      TrustPolicy.Trusted trusted =
          finding(
              () -> {
                byte[] entry = ReceiptSearch.canonical(Files.readAllBytes(receiptFile));
                return TlogProof.parse(Files.readAllBytes(proofFile)).check(entry, policy);
              });
      out.printf(
          "The receipt is in the log %s, under a checkpoint of %,d entries.%n",
          trusted.checkpoint().origin(), trusted.checkpoint().size());
      signers(out, trusted);
      return 0;
    }

    private Path memoryFile(String origin) {
      return memory != null
          ? memory
          : Path.of(
              System.getProperty("grid.root", "."),
              ".grid",
              "audit",
              Hash.hexOf(origin).substring(0, 16) + ".checkpoint");
    }

    private @Nullable Checkpoint remembered(String origin) throws IOException {
      Path file = memoryFile(origin);
      if (!Files.exists(file)) {
        return null;
      }
      try {
        return Checkpoint.parse(Files.readString(file));
      } catch (FormatException e) {
        throw new CommandFailure(
            file + " is no remembered checkpoint: " + e.getMessage() + " (see --memory)");
      }
    }

    private void remember(Checkpoint checkpoint) {
      Path file = memoryFile(checkpoint.origin()).toAbsolutePath();
      try {
        Path folder = file.getParent();
        if (folder != null) {
          Files.createDirectories(folder);
        }
        Path fresh = Path.of(file + ".new");
        Files.writeString(fresh, checkpoint.text());
        Files.move(
            fresh, file, StandardCopyOption.ATOMIC_MOVE, StandardCopyOption.REPLACE_EXISTING);
      } catch (IOException e) {
        throw new CommandFailure(
            "the log is whole, but "
                + file
                + " cannot be written: "
                + e.getMessage()
                + " (see --memory)");
      }
    }
  }

  private static PrintWriter out(@Nullable CommandSpec spec) {
    return spec == null ? new PrintWriter(System.out, true) : spec.commandLine().getOut();
  }

  private static void signers(PrintWriter out, TrustPolicy.Trusted trusted) {
    List<String> kinds = trusted.logKeys().stream().map(key -> key.type().algorithm()).toList();
    out.println(
        "Signed by the log ("
            + String.join(", ", kinds)
            + ") and by "
            + (trusted.witnesses().isEmpty()
                ? "no witness: nobody outside confirms that others see the same log."
                : "the witnesses "
                    + String.join(", ", trusted.witnesses().stream().sorted().toList())
                    + "."));
  }

  /// Writes the proof of one receipt.
  @Command(
      name = "prove",
      description = {
        "Writes a request's receipt and the proof that it is in the log: REQUEST-ID.json and",
        "REQUEST-ID.tlog-proof. Both can be checked anywhere, offline:",
        "  ./grid audit verify --proof FILE --receipt FILE --policy FILE",
        "The id is that of the answer's header x-request-id; a receipt is in the log a second or two",
        "after the answer.",
        ""
      },
      mixinStandardHelpOptions = true,
      sortOptions = false)
  static final class Prove implements Callable<Integer> {
    @Spec private @Nullable CommandSpec spec;

    @Parameters(index = "0", paramLabel = "REQUEST-ID", description = "Id of the request.")
    private String requestId = "";

    @ArgGroup(exclusive = false)
    private @Nullable Where where;

    @Option(
        names = "--out",
        paramLabel = "DIR",
        description = "Where to write the files (default: here).")
    private Path folder = Path.of("");

    @Override
    public Integer call() {
      PrintWriter out = out(spec);
      Where place = where == null ? new Where() : where;
      LogSource source = place.source();
      TrustPolicy policy = place.trusted(out);
      if (!requestId.matches("[A-Za-z0-9._-]{1,200}")) {
        throw new CommandFailure(
            "no request id: '" + requestId + "' (letters, digits, . _ - only)");
      }
      List<ReceiptSearch.Found> proved =
          finding(() -> Stream.ofNullable(ReceiptSearch.find(source, policy, requestId)).toList());
      if (proved.isEmpty()) {
        throw new CommandFailure(
            "the log has no receipt of "
                + requestId
                + " (it comes a second or two after the answer; is the id right?)");
      }
      ReceiptSearch.Found found = proved.getFirst();
      Path receiptFile = folder.resolve(requestId + ".json");
      Path proofFile = folder.resolve(requestId + ".tlog-proof");
      try {
        Files.createDirectories(folder.toAbsolutePath());
        Files.write(receiptFile, found.receipt());
        Files.writeString(proofFile, found.proof().format());
      } catch (IOException e) {
        throw new CommandFailure("the proof cannot be written: " + e.getMessage());
      }
      out.println(new String(found.receipt(), StandardCharsets.UTF_8));
      out.println("Entry " + found.proof().index() + " of the log. Check it anywhere, offline:");
      out.println(
          "  ./grid audit verify --proof "
              + proofFile
              + " --receipt "
              + receiptFile
              + " --policy FILE");
      return 0;
    }
  }

  /// Where was my data processed?
  @Command(
      name = "report",
      description = {
        "Where was a tenant's data processed in a month? One line a site, retries and failovers",
        "included, from receipts whose place in the log is checked first. Months are of UTC.",
        ""
      },
      mixinStandardHelpOptions = true,
      sortOptions = false)
  static final class Report implements Callable<Integer> {
    private static final String ROW = "%-6s %-22s %-18s %9s %9s %12s %10s %12s%n";

    @Spec private @Nullable CommandSpec spec;

    @ArgGroup(exclusive = false)
    private @Nullable Where where;

    @Option(
        names = "--tenant",
        paramLabel = "T",
        description = "Id of the tenant; its pseudonym is computed with the secret in --data.")
    private @Nullable String tenant;

    @Option(
        names = "--pseudonym",
        paramLabel = "P",
        description = "The tenant's pseudonym, for who has no secret.")
    private @Nullable String pseudonym;

    @Option(
        names = "--month",
        paramLabel = "YYYY-MM",
        description = "Month, in UTC. Default: this one.")
    private String month = "";

    @Option(names = "--json", description = "Print JSON.")
    private boolean json;

    @Override
    public Integer call() {
      PrintWriter out = out(spec);
      Where place = where == null ? new Where() : where;
      LogSource source = place.source();
      var notes = new java.io.StringWriter();
      TrustPolicy policy = place.trusted(new PrintWriter(notes, true));
      var report = new ResidencyReport(pseudonym(place), month());
      LogAudit.Checked checked = finding(() -> LogAudit.check(source, policy, null, report));
      if (json) {
        out.println(asJson(report, checked));
      } else {
        out.print(notes);
        print(out, report, checked);
      }
      return 0;
    }

    private String pseudonym(Where place) {
      if (pseudonym != null) {
        return pseudonym;
      }
      if (tenant == null) {
        throw new CommandFailure("whose data? (expected: --tenant T or --pseudonym P)");
      }
      Path keys = Where.settings(place.dataFolder()).keys();
      try {
        return new TenantDigests(LogKeys.readDigestSecret(keys), tenant).pseudonym();
      } catch (IOException e) {
        throw new CommandFailure(
            "the secret in "
                + keys
                + " cannot be read: "
                + e.getMessage()
                + " (without it, give --pseudonym)");
      }
    }

    private YearMonth month() {
      if (month.isEmpty()) {
        return YearMonth.now(ZoneOffset.UTC);
      }
      try {
        return YearMonth.parse(month);
      } catch (DateTimeException e) {
        throw new CommandFailure("month '" + month + "' (expected: YYYY-MM, for example 2026-07)");
      }
    }

    private void print(PrintWriter out, ResidencyReport report, LogAudit.Checked checked) {
      out.printf(
          ROW,
          "WHERE",
          "SITE",
          "OPERATOR",
          "REQUESTS",
          "ATTEMPTS",
          "PROMPT",
          "CACHED",
          "COMPLETION");
      for (ResidencyReport.Row row : report.rows()) {
        out.printf(
            Locale.ROOT,
            ROW,
            row.place().jurisdiction(),
            row.place().site(),
            row.place().operator(),
            String.format(Locale.ROOT, "%,d", row.requests()),
            String.format(Locale.ROOT, "%,d", row.attempts()),
            String.format(Locale.ROOT, "%,d", row.promptTokens()),
            String.format(Locale.ROOT, "%,d", row.cachedTokens()),
            String.format(Locale.ROOT, "%,d", row.completionTokens()));
      }
      Checkpoint checkpoint = checked.trusted().checkpoint();
      out.printf(
          Locale.ROOT,
          "%,d receipts%s; all %,d entries of %s were checked against its root %s.%n",
          report.receipts(),
          report.receipts() == 0
              ? ""
              : ", entries " + report.firstIndex() + " to " + report.lastIndex(),
          checkpoint.size(),
          checkpoint.origin(),
          checkpoint.root());
      signers(out, checked.trusted());
      out.println("One receipt's own proof: ./grid audit prove REQUEST-ID.");
    }

    private String asJson(ResidencyReport report, LogAudit.Checked checked) {
      ObjectNode root = new ObjectMapper().createObjectNode();
      root.put("month", month().toString());
      root.put("receipts", report.receipts());
      var rows = root.putArray("places");
      report
          .rows()
          .forEach(
              row ->
                  rows.addObject()
                      .put("jurisdiction", row.place().jurisdiction())
                      .put("site", row.place().site())
                      .put("operator", row.place().operator())
                      .put("requests", row.requests())
                      .put("attempts", row.attempts())
                      .put("promptTokens", row.promptTokens())
                      .put("cachedTokens", row.cachedTokens())
                      .put("completionTokens", row.completionTokens()));
      root.put("checkpoint", checked.note().format());
      return root.toString();
    }
  }
}
