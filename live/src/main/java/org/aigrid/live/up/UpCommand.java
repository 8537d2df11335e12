package org.aigrid.live.up;

import java.io.IOException;
import java.io.PrintWriter;
import java.net.URI;
import java.nio.file.Files;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.Callable;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;
import org.aigrid.core.model.SiteSpec;
import org.aigrid.live.books.BearerTokens;
import org.aigrid.live.gguf.GgufException;
import org.aigrid.live.http.HttpSettings;
import org.aigrid.live.proof.ProofAnswers;
import org.aigrid.live.proof.ProofServer;
import org.aigrid.live.proof.WitnessClient;
import org.aigrid.live.site.WorkLog;
import org.aigrid.live.tlog.FormatException;
import org.aigrid.live.tlog.NoteKey;
import org.aigrid.live.tlog.TrustPolicy;
import org.aigrid.live.topology.Topology;
import org.aigrid.live.topology.TopologyException;
import org.aigrid.live.topology.TopologyFile;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.Spec;

/// Starts a whole grid in this process and serves until it is told to stop.
@Command(
    name = "up",
    description = {
      "Starts a whole grid in one process: control, a site agent for each site, and the gateway that"
          + " speaks the OpenAI API. Serves until Ctrl-C or SIGTERM, then lets what runs finish.",
      "",
      "  ./grid up                                    Tokyo Bay, engines emulated",
      "  ./grid up --model qwen.gguf                  a real model at the hub (llama.cpp)",
      "  ./grid up --upstream http://10.0.0.5:8000    a vLLM, SGLang, llama-server or Ollama at the hub",
      "  ./grid up --topology topologies/two-countries.toml",
      ""
    },
    mixinStandardHelpOptions = true,
    sortOptions = false)
final class UpCommand implements Callable<Integer> {
  private static final int PORT_DEFAULT = 8_080;
  private static final long REFRESH_MS = 1_000;

  @Spec private @Nullable CommandSpec spec;

  @Option(
      names = "--topology",
      paramLabel = "FILE",
      description =
          "Sites, models and callers in TOML. Default: a hub and twelve base stations around"
              + " Tokyo Bay.")
  private @Nullable Path topologyFile;

  @Option(
      names = "--model",
      paramLabel = "GGUF",
      description = "A real model at the hub, run by llama.cpp on this machine.")
  private @Nullable Path hubModel;

  @Option(
      names = "--cells-model",
      paramLabel = "GGUF",
      description = "The same at every base station.")
  private @Nullable Path cellsModel;

  @Option(
      names = "--upstream",
      paramLabel = "URL",
      description = "A server that speaks the OpenAI API, at the hub; repeatable.")
  private List<URI> upstreams = List.of();

  @Option(
      names = "--upstream-key",
      paramLabel = "SECRET",
      description = "API key for the --upstream servers.")
  private @Nullable String upstreamKey;

  @Option(
      names = "--host",
      paramLabel = "ADDRESS",
      defaultValue = "127.0.0.1",
      description = "Where the gateway listens (default: ${DEFAULT-VALUE}; 0.0.0.0 for everybody).")
  private String host = "127.0.0.1";

  @Option(
      names = "--port",
      paramLabel = "PORT",
      defaultValue = "" + PORT_DEFAULT,
      description = "The gateway's port (default: ${DEFAULT-VALUE}; 0 takes a free one).")
  private int port;

  @Option(
      names = "--key",
      paramLabel = "SECRET",
      description = "API key that clients must send. Default: one is generated and printed.")
  private @Nullable String key;

  @Option(
      names = "--keys",
      paramLabel = "FILE",
      description = "File of hashed API keys; ./grid keys makes lines for it.")
  private @Nullable Path keysFile;

  @Option(
      names = "--data",
      paramLabel = "DIR",
      description =
          "Keeps what outlives a run: a generated key's hash, so that the same key works"
              + " next time, and the books: tenants, keys, usage (a PostgreSQL of its own). Without"
              + " it nothing is kept.")
  private @Nullable Path data;

  @Option(
      names = "--database",
      paramLabel = "JDBC-URL",
      description =
          "Keeps the books of --data in this PostgreSQL (jdbc:postgresql://host:port/name) instead"
              + " of one of the grid's own; password from GRID_DATABASE_PASSWORD.")
  private @Nullable String databaseUrl;

  @Option(
      names = "--database-user",
      paramLabel = "NAME",
      defaultValue = "grid",
      description = "Its user (default: ${DEFAULT-VALUE}).")
  private String databaseUser = "grid";

  @Option(
      names = "--proof-port",
      paramLabel = "PORT",
      description =
          "Serves the transparency log of --data to auditors: checkpoint, tiles, receipts. Default:"
              + " not.")
  private @Nullable Integer proofPort;

  @Option(
      names = "--log-origin",
      paramLabel = "NAME",
      defaultValue = Accounts.ORIGIN,
      description =
          "Name of the transparency log of --data, as a URL without scheme; it can be chosen once"
              + " (default: ${DEFAULT-VALUE}).")
  private String logOrigin = Accounts.ORIGIN;

  @Option(
      names = "--witness",
      paramLabel = "URL=VKEY",
      description =
          "Has each checkpoint of the log cosigned there; repeatable, and repeated with one URL for"
              + " a second key. ./grid audit witness runs one and prints this line.")
  private List<String> witnesses = List.of();

  @Option(
      names = "--oidc-issuer",
      paramLabel = "URL",
      description =
          "Takes bearer tokens of this OpenID Connect issuer in the place of keys. With"
              + " --oidc-audience and --oidc-keys.")
  private @Nullable String issuer;

  @Option(
      names = "--oidc-audience",
      paramLabel = "NAME",
      description = "What the tokens have to be meant for.")
  private @Nullable String audience;

  @Option(
      names = "--oidc-keys",
      paramLabel = "URI",
      description = "The issuer's JSON Web Key Set: https://... or file:///...")
  private @Nullable URI identityKeys;

  @Option(
      names = "--oidc-tenant-claim",
      paramLabel = "NAME",
      defaultValue = "tenant",
      description = "Claim that names the tenant (default: ${DEFAULT-VALUE}).")
  private String tenantClaim = "tenant";

  @Option(
      names = "--tls-cert",
      paramLabel = "PEM",
      description = "Certificate chain: the gateway speaks TLS. With --tls-key.")
  private @Nullable Path tlsCertificate;

  @Option(names = "--tls-key", paramLabel = "PEM", description = "Its private key (PKCS#8).")
  private @Nullable Path tlsKey;

  @Option(
      names = "--admin-port",
      paramLabel = "PORT",
      description =
          "Loopback port for ./grid sites. Default: "
              + SitesCommand.ADMIN_PORT_DEFAULT
              + ", or none when that is taken; 0 takes a free one.")
  private @Nullable Integer adminPort;

  @Option(
      names = "--no-radio",
      description = "Base stations without radios: AI has their GPUs to itself.")
  private boolean noRadio;

  @Option(names = "--no-table", description = "No live table of sites, even on a terminal.")
  private boolean noTable;

  @Override
  public Integer call() throws InterruptedException {
    PrintWriter out = spec().commandLine().getOut();
    requireSense();
    var notes = new ArrayList<String>();
    LiveGridSettings settings = LiveGridSettings.DEFAULT.withHttp(http());
    if (upstreamKey != null) {
      settings = settings.withServerKey(RequestedEngines.UPSTREAM_KEY, upstreamKey);
    }
    Topology topology = withEngines(topology(), notes);
    KeyStore.Chosen keys = KeyStore.choose(key, keysFile, data);
    Accounts books = books(topology);
    LiveGrid grid;
    try {
      grid = start(topology, keys, settings, books);
    } catch (CommandFailure e) {
      close(books);
      throw e;
    }
    ProofServer proof = proof(books, grid);
    var stopped = new CountDownLatch(1);
    String adminToken = KeyStore.newSecret(KeyStore.ADMIN_PREFIX);
    AdminServer admin = admin(grid, adminToken, books, notes);
    var session =
        new Session(
            url(grid.port()),
            admin == null ? 0 : admin.port(),
            keys.generated() ? keys.secret() : null,
            ProcessHandle.current().pid(),
            adminToken);
    Path sessionFile = Session.file();
    keep(session, sessionFile, notes);
    Runtime.getRuntime()
        .addShutdownHook(
            new Thread(
                () -> stop(grid, admin, proof, books, session, sessionFile, stopped), "shutdown"));
    out.print(
        Welcome.text(
            topology.name(),
            topology.sites().size(),
            session.url(),
            keys.secret() != null ? keys.secret() : "$GRID_KEY",
            topology.sites().getFirst().spec().endpoints().getFirst().model().name(),
            tlsCertificate,
            notes));
    out.println();
    out.flush();
    watch(grid, out, stopped);
    return 0;
  }

  private void watch(LiveGrid grid, PrintWriter out, CountDownLatch stopped)
      throws InterruptedException {
    var watch = new SitesWatch(grid, out, Terminal.isInteractive() && !noTable);
    do {
      watch.refresh();
    } while (!stopped.await(REFRESH_MS, TimeUnit.MILLISECONDS));
  }

  private static void stop(
      LiveGrid grid,
      @Nullable AdminServer admin,
      @Nullable ProofServer proof,
      @Nullable Accounts books,
      Session session,
      Path sessionFile,
      CountDownLatch stopped) {
    stopped.countDown();
    try {
      session.remove(sessionFile);
    } catch (IOException e) {
      System.err.println("grid: cannot remove " + sessionFile + ": " + e.getMessage());
    }
    grid.close();
    if (admin != null) {
      admin.close();
    }
    if (proof != null) {
      proof.close();
    }
    close(books);
  }

  private @Nullable Accounts books(Topology topology) {
    if (data == null) {
      return null;
    }
    var source =
        databaseUrl == null
            ? Accounts.Source.EMBEDDED
            : new Accounts.Source(
                databaseUrl,
                databaseUser,
                System.getenv().getOrDefault("GRID_DATABASE_PASSWORD", ""));
    String home =
        topology.sites().stream()
            .map(Topology.PlannedSite::spec)
            .filter(site -> site.id().equals(topology.homeSite()))
            .map(SiteSpec::jurisdiction)
            .findFirst()
            .orElse(topology.sites().getFirst().spec().jurisdiction());
    Accounts books = Accounts.open(data, source, home, identity(), proofOptions());
    try {
      books.registered(topology.sites().stream().map(Topology.PlannedSite::spec).toList());
    } catch (IOException e) {
      books.close();
      throw new CommandFailure("the transparency log cannot be read: " + e.getMessage());
    }
    return books;
  }

  private Accounts.Proof proofOptions() {
    try {
      NoteKey.checkName(logOrigin, "--log-origin");
    } catch (FormatException e) {
      throw new CommandFailure(String.valueOf(e.getMessage()));
    }
    List<TrustPolicy.Witness> asked = WitnessOption.parse(witnesses);
    try {
      WitnessClient.check(asked);
    } catch (IllegalArgumentException e) {
      throw new CommandFailure("--witness: " + e.getMessage());
    }
    return new Accounts.Proof(logOrigin, asked);
  }

  private BearerTokens.@Nullable Settings identity() {
    if (issuer == null) {
      return null;
    }
    if (audience == null || identityKeys == null) {
      throw new CommandFailure("--oidc-issuer needs --oidc-audience and --oidc-keys");
    }
    try {
      return new BearerTokens.Settings(
          issuer, audience, identityKeys, tenantClaim, "project", Duration.ofSeconds(30));
    } catch (IllegalArgumentException e) {
      throw new CommandFailure(String.valueOf(e.getMessage()));
    }
  }

  /// Checkpoints, tiles and receipts for whoever audits.
  private @Nullable ProofServer proof(@Nullable Accounts books, LiveGrid grid) {
    if (books == null || proofPort == null) {
      return null;
    }
    try {
      return ProofServer.start(
          HttpSettings.DEFAULT.at(host, proofPort), new ProofAnswers(books.proof(), null));
    } catch (IllegalStateException e) {
      grid.close();
      close(books);
      throw new CommandFailure("cannot listen on --proof-port: " + e.getMessage());
    }
  }

  private static void close(@Nullable Accounts books) {
    if (books != null) {
      books.close();
    }
  }

  private void requireSense() {
    if ((tlsCertificate == null) != (tlsKey == null)) {
      throw new CommandFailure("--tls-cert and --tls-key go together (expected: both or neither)");
    }
    if (key != null && keysFile != null) {
      throw new CommandFailure("--key and --keys exclude each other (expected: one of them)");
    }
    if (key != null && (key.isBlank() || !key.chars().allMatch(c -> c > 32 && c < 127))) {
      throw new CommandFailure("--key (expected: printable ASCII without spaces)");
    }
    requirePort("--port", port);
    if (adminPort != null) {
      requirePort("--admin-port", adminPort);
    }
    if (proofPort != null) {
      requirePort("--proof-port", proofPort);
    }
    boolean proofNamed = !witnesses.isEmpty() || !logOrigin.equals(Accounts.ORIGIN);
    if (data == null
        && (databaseUrl != null || proofPort != null || issuer != null || proofNamed)) {
      throw new CommandFailure(
          "--database, --proof-port, --log-origin, --witness and --oidc-issuer need --data DIR"
              + " (expected: a folder for the journal and the log)");
    }
  }

  private static void requirePort(String option, int port) {
    if (port < 0 || port > 65_535) {
      throw new CommandFailure(option + " " + port + " (expected: 0 to 65535)");
    }
  }

  private HttpSettings http() {
    HttpSettings http = HttpSettings.DEFAULT.at(host, port);
    if (tlsCertificate == null || tlsKey == null) {
      return http;
    }
    for (Path file : List.of(tlsCertificate, tlsKey)) {
      if (!Files.isReadable(file)) {
        throw new CommandFailure("cannot read " + file + " (expected: a PEM file)");
      }
    }
    return http.withTls(tlsCertificate, tlsKey);
  }

  private Topology topology() {
    if (topologyFile == null) {
      return TopologyFile.bundled();
    }
    try {
      return TopologyFile.read(topologyFile);
    } catch (TopologyException e) {
      throw new CommandFailure("the topology cannot be used.\n" + e.getMessage());
    } catch (NoSuchFileException e) {
      throw new CommandFailure("--topology " + topologyFile + ": there is no such file");
    } catch (IOException e) {
      throw new CommandFailure("cannot read --topology " + topologyFile + ": " + e.getMessage());
    }
  }

  private Topology withEngines(Topology planned, List<String> notes) throws InterruptedException {
    Topology topology = noRadio ? planned.withoutRadio() : planned;
    if (cellsModel != null) {
      topology = RequestedEngines.withCellsModel(topology, cellsModel, notes);
    }
    for (URI upstream : upstreams) {
      topology = RequestedEngines.withServer(topology, upstream, upstreamKey, notes);
    }
    if (hubModel != null) {
      topology = RequestedEngines.withHubModel(topology, hubModel, notes);
    }
    return topology;
  }

  private LiveGrid start(
      Topology topology,
      KeyStore.Chosen keys,
      LiveGridSettings settings,
      @Nullable Accounts books) {
    try {
      return LiveGrid.start(
          topology, keys.keys(), settings, books, books == null ? WorkLog.NONE : books.work());
    } catch (GgufException | IllegalArgumentException | IllegalStateException e) {
      throw new CommandFailure(String.valueOf(e.getMessage()));
    }
  }

  private @Nullable AdminServer admin(
      SiteControl control, String token, @Nullable Accounts books, List<String> notes) {
    int wanted = adminPort == null ? SitesCommand.ADMIN_PORT_DEFAULT : adminPort;
    try {
      return AdminServer.start(control, wanted, token, books == null ? null : books.api());
    } catch (IOException e) {
      if (adminPort != null) {
        if (control instanceof LiveGrid grid) {
          grid.close();
        }
        close(books);
        throw new CommandFailure("cannot listen on --admin-port: " + e.getMessage());
      }
      notes.add(
          "Port " + wanted + " is taken: ./grid sites will not work (choose one: --admin-port).");
      return null;
    }
  }

  private void keep(Session session, Path file, List<String> notes) {
    try {
      session.write(file);
    } catch (IOException e) {
      notes.add(
          "Cannot write "
              + file
              + ": ./grid chat and replay need --url and --key. "
              + e.getMessage());
    }
  }

  private URI url(int realPort) {
    boolean everywhere = host.equals("0.0.0.0") || host.equals("::");
    String name = tlsCertificate != null ? "localhost" : everywhere ? "127.0.0.1" : host;
    return URI.create(
        (tlsCertificate != null ? "https://" : "http://")
            + (name.contains(":") ? "[" + name + "]" : name)
            + ":"
            + realPort);
  }

  private CommandSpec spec() {
    if (spec == null) {
      throw new IllegalStateException("the command was not made by picocli");
    }
    return spec;
  }
}
