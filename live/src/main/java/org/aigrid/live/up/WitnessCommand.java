package org.aigrid.live.up;

import java.io.IOException;
import java.io.PrintWriter;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.Callable;
import java.util.concurrent.CountDownLatch;
import org.aigrid.live.http.HttpSettings;
import org.aigrid.live.proof.ProofAnswers;
import org.aigrid.live.proof.ProofServer;
import org.aigrid.live.proof.Witness;
import org.aigrid.live.tlog.FormatException;
import org.aigrid.live.tlog.NoteKey;
import org.aigrid.live.tlog.TrustPolicy;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.Spec;

/// Runs a witness of other people's logs until it is told to stop.
@Command(
    name = "witness",
    description = {
      "Runs a witness: remembers the last checkpoint of each log and signs a new one only when it",
      "continues that. Best at somebody else's than the log's operator. Serves until Ctrl-C or SIGTERM.",
      "",
      "  ./grid audit witness --name witness.example --data DIR --log VKEY",
      "",
      "VKEY is a key of the log: a line 'log VKEY' in the log's trust-policy.txt. DIR holds the",
      "witness's keys and memory; without that memory it could sign a second history. Keep it.",
      ""
    },
    mixinStandardHelpOptions = true,
    sortOptions = false)
final class WitnessCommand implements Callable<Integer> {
  private static final String KEYS_FILE = "witness-keys.txt";

  @Spec private @Nullable CommandSpec spec;

  @Option(
      names = "--name",
      paramLabel = "NAME",
      required = true,
      description = "Under which it signs: a URL without scheme. It stays the same for good.")
  private String name = "";

  @Option(
      names = "--data",
      paramLabel = "DIR",
      required = true,
      description = "Its keys and what it signed last; made on first use.")
  private Path data = Path.of("");

  @Option(
      names = "--log",
      paramLabel = "VKEY",
      required = true,
      description = "Key of a log that it witnesses; repeatable.")
  private List<String> logs = List.of();

  @Option(
      names = "--listen",
      paramLabel = "HOST:PORT",
      defaultValue = "127.0.0.1:8090",
      description =
          "Where it takes checkpoints (default: ${DEFAULT-VALUE}; port 0 takes a free one).")
  private String listen = "127.0.0.1:8090";

  @Option(
      names = "--tls-cert",
      paramLabel = "PEM",
      description =
          "Certificate chain: it speaks TLS, as logs ask for beyond this machine. With --tls-key.")
  private @Nullable Path tlsCertificate;

  @Option(names = "--tls-key", paramLabel = "PEM", description = "Its private key (PKCS#8).")
  private @Nullable Path tlsKey;

  @Override
  public Integer call() {
    HttpSettings http = http();
    TrustPolicy trusted = TrustPolicy.of(logKeys());
    var stop = new CountDownLatch(1);
    var stopped = new CountDownLatch(1);
    var hook =
        new Thread(
            () -> {
              stop.countDown();
              awaitQuietly(stopped);
            },
            "shutdown");
    // Whatever ends this, the JVM waits until all is closed, and no longer.
    try {
      Runtime.getRuntime().addShutdownHook(hook);
      serve(http, trusted, stop);
      return 0;
    } catch (IOException e) {
      throw new CommandFailure("the witness in " + data + " cannot be opened: " + e.getMessage());
    } finally {
      stopped.countDown();
    }
  }

  private void serve(HttpSettings http, TrustPolicy trusted, CountDownLatch stop)
      throws IOException {
    try (Witness witness = open(trusted);
        ProofServer server = start(http, witness)) {
      welcome(witness, server.port());
      awaitQuietly(stop);
    }
  }

  /// Until the latch opens or somebody interrupts, which means the same.
  private static void awaitQuietly(CountDownLatch latch) {
    try {
      latch.await();
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
    }
  }

  private Witness open(TrustPolicy trusted) throws IOException {
    try {
      return Witness.open(data, name, trusted, System::currentTimeMillis);
    } catch (FormatException e) {
      throw new CommandFailure("--name: " + e.getMessage());
    }
  }

  private static ProofServer start(HttpSettings http, Witness witness) {
    try {
      return ProofServer.start(http, new ProofAnswers(null, witness));
    } catch (IllegalStateException e) {
      throw new CommandFailure("cannot listen on --listen: " + e.getMessage());
    }
  }

  private List<NoteKey> logKeys() {
    var keys = new ArrayList<NoteKey>();
    for (String vkey : logs) {
      try {
        NoteKey key = NoteKey.parse(vkey);
        if (!keys.contains(key)) {
          keys.add(key);
        }
      } catch (FormatException e) {
        throw new CommandFailure(
            "--log '" + vkey + "': " + e.getMessage() + " (see the log's trust-policy.txt)");
      }
    }
    return keys;
  }

  private HttpSettings http() {
    int colon = listen.lastIndexOf(':');
    String port = listen.substring(colon + 1);
    if (colon < 1 || !port.matches("[0-9]{1,5}") || Integer.parseInt(port) > 65_535) {
      throw new CommandFailure(
          "--listen '" + listen + "' (expected: HOST:PORT, such as 127.0.0.1:8090)");
    }
    if ((tlsCertificate == null) != (tlsKey == null)) {
      throw new CommandFailure("--tls-cert and --tls-key go together (expected: both or neither)");
    }
    HttpSettings http = HttpSettings.DEFAULT.at(listen.substring(0, colon), Integer.parseInt(port));
    return tlsCertificate == null || tlsKey == null ? http : http.withTls(tlsCertificate, tlsKey);
  }

  private void welcome(Witness witness, int port) throws IOException {
    String url =
        (tlsCertificate == null ? "http://" : "https://")
            + listen.substring(0, listen.lastIndexOf(':'))
            + ":"
            + port;
    var all = new StringBuilder();
    witness.publicKeys().forEach(key -> all.append(key.vkey()).append('\n'));
    Path file = data.resolve(KEYS_FILE);
    Files.writeString(file, all);
    PrintWriter out = spec == null ? new PrintWriter(System.out) : spec.commandLine().getOut();
    out.printf(
        "The witness %s listens on %s for %s.%n",
        name, url, String.join(", ", witness.origins().stream().sorted().toList()));
    out.println("The log's operator asks it for cosignatures with");
    out.println("  --witness " + url + "=" + witness.publicKeys().getFirst().vkey());
    out.println("and auditors ask for them by that key, or by the ML-DSA-44 one in " + file + ".");
    out.flush();
  }
}
