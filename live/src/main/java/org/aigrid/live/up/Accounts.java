package org.aigrid.live.up;

import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayDeque;
import java.util.Collection;
import java.util.HashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Set;
import java.util.UUID;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.atomic.AtomicLong;
import org.aigrid.core.model.ServiceTier;
import org.aigrid.core.model.SiteSpec;
import org.aigrid.core.policy.PolicyAction;
import org.aigrid.core.policy.RequestFacts;
import org.aigrid.core.policy.SiteFacts;
import org.aigrid.core.residency.Narrowing;
import org.aigrid.core.residency.ResidencyVerdict;
import org.aigrid.live.books.BearerTokens;
import org.aigrid.live.books.BookKeeper;
import org.aigrid.live.books.Database;
import org.aigrid.live.books.DirectoryKeeper;
import org.aigrid.live.books.Journal;
import org.aigrid.live.books.Ledger;
import org.aigrid.live.books.Purses;
import org.aigrid.live.books.TenantResidencies;
import org.aigrid.live.books.TenantUsage;
import org.aigrid.live.books.Tenants;
import org.aigrid.live.books.UsageReports;
import org.aigrid.live.gateway.RecoveredReceipt;
import org.aigrid.live.gateway.Tenancy;
import org.aigrid.live.policy.PolicyException;
import org.aigrid.live.policy.PolicyFile;
import org.aigrid.live.proof.GridChange;
import org.aigrid.live.proof.LogEntry;
import org.aigrid.live.proof.LogRefusedException;
import org.aigrid.live.proof.LogSettings;
import org.aigrid.live.proof.LogSource;
import org.aigrid.live.proof.Offer;
import org.aigrid.live.proof.TenantDigests;
import org.aigrid.live.proof.TransparencyLog;
import org.aigrid.live.proof.WitnessClient;
import org.aigrid.live.site.SitePolicy;
import org.aigrid.live.site.WorkFile;
import org.aigrid.live.site.WorkLog;
import org.aigrid.live.tlog.TrustPolicy;
import org.aigrid.live.wire.WorkOrder;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/// Tenants, books and proof of a `grid up --data DIR`: an embedded PostgreSQL or one by URL, the
/// gateway's journal, and the transparency log, opened in the order in which each takes over from a
/// run that may have ended anyhow. Safe for many threads.
final class Accounts implements AutoCloseable {
  private static final Logger log = LoggerFactory.getLogger(Accounts.class);
  private static final String OPERATOR = "ai-grid";
  private static final Duration LOG_WAIT = Duration.ofSeconds(30);
  private static final int WITNESS_EVERY_MS = 250;
  private static final int DETAIL_CHARS_MAX = 400;
  private static final int VERSIONS_MAX = 20; // of the projects of one tenant

  /// Where the database is.
  ///
  /// @param url null for the embedded one
  record Source(@Nullable String url, String user, String password) {
    static final Source EMBEDDED = new Source(null, "", "");
  }

  /// Name of the log of a grid that was given none.
  static final String ORIGIN = "ai-grid.local/log";

  /// The transparency log's name and who cosigns it.
  ///
  /// @param origin a URL without scheme; of a log that is there already, the one it began with
  /// @param witnesses each with its address
  record Proof(String origin, List<TrustPolicy.Witness> witnesses) {
    static final Proof ALONE = new Proof(ORIGIN, List.of());

    Proof {
      witnesses = List.copyOf(witnesses);
    }
  }

  private final Database database;
  private final DirectoryKeeper directory;
  private final Journal journal;
  private final BookKeeper keeper;
  private final Purses purses;
  private final TransparencyLog proof;
  private final WitnessClient witnesses;
  private final WorkFile work;
  private final TenantResidencies residencies;
  private final Tenancy tenancy;
  private final TenantUsage usage;
  private final BooksApi api;
  private final @Nullable BearerTokens tokens;
  private final AtomicLong refused = new AtomicLong(); // entries that the log did not take
  private volatile boolean missed; // a receipt is in the journal alone until the next start

  /// Opens everything; blocks for seconds the first time.
  ///
  /// @param home jurisdiction of tenants that have no policy
  /// @param identity where tokens of an identity provider are accepted from; null for none
  /// @throws CommandFailure with one sentence when a part cannot be opened
  static Accounts open(
      Path data, Source source, String home, BearerTokens.@Nullable Settings identity) {
    return open(data, source, home, identity, Proof.ALONE);
  }

  /// As above, with witnesses.
  static Accounts open(
      Path data,
      Source source,
      String home,
      BearerTokens.@Nullable Settings identity,
      Proof proof) {
    try {
      return new Accounts(data, source, home, identity, proof);
    } catch (LogRefusedException e) {
      throw new CommandFailure(String.valueOf(e.getMessage()));
    } catch (IOException | RuntimeException e) {
      throw new CommandFailure("the books cannot be opened: " + e.getMessage());
    }
  }

  private Accounts(
      Path data, Source source, String home, BearerTokens.@Nullable Settings identity, Proof told)
      throws IOException {
    String url = source.url();
    database =
        url == null
            ? Database.embedded(BooksApi.folder(data))
            : Database.at(url, source.user(), source.password());
    var opened = new ArrayDeque<AutoCloseable>(); // the last one first
    opened.push(database);
    try {
      var ledger = new Ledger(database);
      journal = Journal.open(BooksApi.folder(data).resolve("journal"), Journal.Settings.USUAL);
      opened.push(journal);
      proof =
          TransparencyLog.open(LogSettings.under(data, told.origin()), System::currentTimeMillis);
      opened.push(proof);
      witnesses = WitnessClient.start(proof, told.witnesses(), WITNESS_EVERY_MS);
      opened.push(witnesses);
      work = WorkFile.open(data.resolve("sites"));
      opened.push(work);
      // Receipts of the last moment before a crash are in the journal and not in the log.
      journal.replay(
          record ->
              recover(
                  RecoveredReceipt.of(
                      record, OPERATOR, proof.digestsOf(record.tenant()).pseudonym())));
      // And they stay in the journal until they are there: the next crash may come at once.
      if (!inTheLog()) {
        throw new IOException("the transparency log does not take the receipts of the last run");
      }
      journal.forgetOnlyWhen(() -> !missed && inTheLog());
      String gateway = "gateway-" + journal.id(); // another than any other grid's on the database
      long returned = ledger.returnHoldsOfOlder();
      if (returned > 0) {
        log.info("returned {} micros that a grid of an older version had held", returned);
      }
      keeper = BookKeeper.start(ledger, journal, gateway);
      opened.push(keeper);
      api =
          new BooksApi(
              database,
              Accounts::checkPolicy,
              this::changed,
              tenant -> proof.digestsOf(tenant).keyBytes());
      opened.push(api);
      directory = DirectoryKeeper.start(new Tenants(database), _ -> api.tokensChanged());
      opened.push(directory);
      purses = Purses.start(ledger, gateway, System::currentTimeMillis);
      opened.push(purses);
      residencies = new TenantResidencies(home);
      tokens = identity == null ? null : BearerTokens.start(identity);
      if (tokens != null) {
        opened.push(tokens);
      }
      usage = new TenantUsage(new UsageReports(database));
      opened.push(usage);
      tenancy =
          new Tenancy(
              directory::current,
              purses,
              journal,
              residencies,
              tokens,
              proof::digestsOf,
              this::offer,
              OPERATOR,
              usage);
    } catch (IOException | RuntimeException e) {
      opened.forEach(Accounts::closeQuietly);
      throw e;
    }
  }

  private static void closeQuietly(AutoCloseable part) {
    try {
      part.close();
    } catch (Exception e) {
      log.warn("closing what was opened so far: {}", e.getMessage());
    }
  }

  /// As many as there are: a database that was long away leaves more than the log's queue holds.
  private void recover(LogEntry entry) {
    while (proof.offer(entry) == Offer.FULL && inTheLog()) {
      log.debug("the log has caught up with its queue");
    }
  }

  /// Waits until every receipt that was offered so far is in the log.
  private boolean inTheLog() {
    try {
      return proof.flush(LOG_WAIT);
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
      return false;
    }
  }

  private static void checkPolicy(String text) {
    if (text.isBlank()) {
      return;
    }
    try {
      var compiled = PolicyFile.compile("policy", text);
      log.debug("policy {} is in order", compiled.version());
    } catch (PolicyException e) {
      throw new IllegalArgumentException(String.valueOf(e.getMessage()), e);
    }
  }

  private void offer(LogEntry entry) {
    Offer taken = proof.offer(entry);
    if (taken != Offer.TAKEN) {
      missed = true;
      refused.incrementAndGet();
      log.error("{} {} is not in the transparency log: {}", entry.type(), entry.id(), taken);
    }
  }

  /// An administrator has changed something.
  private void changed(AdminChange change) {
    String order = change.order();
    GridChange.Kind kind =
        order.endsWith(".policy")
            ? GridChange.Kind.POLICY
            : order.startsWith("prices.") ? GridChange.Kind.PRICE : GridChange.Kind.ADMIN;
    var details = new HashMap<String, String>();
    change.details().forEach((name, value) -> details.put(name, plain(value)));
    details.put("order", order);
    String subject = change.subject().isEmpty() ? order : change.subject();
    String tenant = change.tenant();
    if (tenant != null) {
      TenantDigests digests = proof.digestsOf(tenant);
      subject = digests.pseudonym();
      String project = change.project();
      if (project != null) {
        details.put(
            "project", digests.of(("project\n" + project).getBytes(StandardCharsets.UTF_8)));
      }
      if (kind == GridChange.Kind.POLICY || order.equals("tenants.create")) {
        versions(tenant, project, details);
      }
    }
    offer(
        new GridChange(
            kind,
            UUID.randomUUID().toString(),
            System.currentTimeMillis(),
            visible(change.who()),
            visible(subject),
            details));
  }

  /// What receipts name from now on, so that each can be matched with the entry that set it.
  private void versions(String tenant, @Nullable String project, Map<String, String> details) {
    try {
      List<String> versions =
          residencies.versions(new Tenants(database).directory(), tenant, project);
      for (int i = 0; i < Math.min(VERSIONS_MAX, versions.size()); i++) {
        details.put("policyVersion" + (i == 0 ? "" : "-" + (i + 1)), versions.get(i));
      }
      if (versions.size() > VERSIONS_MAX) {
        details.put("policyVersions", Integer.toString(versions.size()));
      }
    } catch (RuntimeException e) { // it was set, and that has to be in the log
      log.error("an entry of the log lacks the policy's version: {}", e.getMessage());
    }
  }

  /// Writes down which sites there are, where they say they stand and how well that is known, and
  /// who runs them: what a site says is written when it differs from what it said last, however
  /// often the grid starts. The entries of a site are numbered, `site/ID/1` and on.
  void registered(Collection<SiteSpec> sites) throws IOException {
    for (SiteSpec site : sites) {
      String prefix = "site/" + site.id() + "/";
      Map<String, String> details = details(site);
      int number = 1;
      byte[] last = null;
      for (TransparencyLog.Logged known = proof.change(prefix + number);
          known != null;
          known = proof.change(prefix + number)) {
        last = known.bytes();
        number++;
      }
      var change =
          new GridChange(
              GridChange.Kind.SITE_REGISTRY,
              prefix + number,
              System.currentTimeMillis(),
              "control",
              site.id(),
              details);
      if (last == null || !change.saysTheSameAs(last)) {
        offer(change);
      }
    }
  }

  private static Map<String, String> details(SiteSpec site) {
    var details = new HashMap<String, String>();
    details.put("jurisdiction", site.jurisdiction());
    details.put("operator", plain(site.operator()));
    details.put("tier", site.tier().name().toLowerCase(Locale.ROOT));
    details.put("level", site.location().level().name());
    if (!site.location().evidence().isEmpty()) {
      details.put("evidence", site.location().evidence());
    }
    return details;
  }

  private static String visible(String text) {
    String ascii = text.replaceAll("[^!-~]", "_");
    return ascii.isEmpty() ? "-" : ascii.substring(0, Math.min(200, ascii.length()));
  }

  private static String plain(String text) {
    String line = text.replaceAll("\\p{Cntrl}+", " ");
    return line.substring(0, Math.min(DETAIL_CHARS_MAX, line.length()));
  }

  /// What a site thinks of an order: the tenant's policies in its own copy of the directory; of a
  /// tenant that only a key file knows, what the order says.
  ///
  /// @param fileTenants tenants of the key file
  SitePolicy sitePolicy(Set<String> fileTenants) {
    Map<SiteSpec, SiteFacts> facts = new ConcurrentHashMap<>();
    return (order, site) -> {
      if (directory.current().tenant(order.tenant()) == null) {
        return fileTenants.contains(order.tenant())
            ? SitePolicy.BY_ORDER.refusal(order, site)
            : "knows no tenant " + order.tenant();
      }
      TenantResidencies.Ruled rules =
          residencies.of(directory.current(), order.tenant(), order.project());
      if (rules == null) {
        return "works for " + order.tenant() + " no more";
      }
      ResidencyVerdict verdict =
          rules
              .residency()
              .check(action(order), facts.computeIfAbsent(site, SiteFacts::of), request(order));
      return verdict.permitted()
          ? null
          : "lies in "
              + site.jurisdiction()
              + ", where this request may not be processed ("
              + verdict.name().toLowerCase(Locale.ROOT)
              + ")";
    };
  }

  private static PolicyAction action(WorkOrder order) {
    for (PolicyAction action : PolicyAction.values()) {
      if (action.word().equals(order.action())) {
        return action;
      }
    }
    return PolicyAction.INFER;
  }

  private static RequestFacts request(WorkOrder order) {
    ServiceTier tier = ServiceTier.STANDARD;
    for (ServiceTier known : ServiceTier.values()) {
      if (known.name().equalsIgnoreCase(order.tier())) {
        tier = known;
      }
    }
    return new RequestFacts(
        tier,
        order.model(),
        order.jurisdictions().equals(WorkOrder.ANYWHERE)
            ? null
            : Narrowing.parseOrNone(order.jurisdictions()));
  }

  /// Whether gateways know a key by that secret by now.
  boolean knows(String secret) {
    return directory.current().find(secret, System.currentTimeMillis()) != null;
  }

  Database database() {
    return database;
  }

  /// The log as an auditor reads it.
  LogSource logSource() {
    return LogSource.of(proof.settings().publicFolder());
  }

  /// The sites' own records.
  WorkLog work() {
    return work;
  }

  /// What a monitoring system reads of all this.
  AccountsMetrics metrics() {
    return new AccountsMetrics(
        database, directory, journal, keeper, proof, witnesses, refused, System::currentTimeMillis);
  }

  Tenancy tenancy() {
    return tenancy;
  }

  BooksApi api() {
    return api;
  }

  TransparencyLog proof() {
    return proof;
  }

  /// After the gateway: what it wrote is carried into the books, slices go back.
  @Override
  public void close() {
    if (tokens != null) {
      tokens.close();
    }
    usage.close();
    api.close();
    work.close();
    purses.close();
    directory.close();
    journal.close();
    if (!keeper.settle(Duration.ofSeconds(5))) {
      log.warn("the books are not up to date; the journal is applied at the next start");
    }
    keeper.close();
    witnesses.close();
    try {
      proof.close();
    } catch (IOException e) {
      log.warn("the transparency log was not closed in order: {}", e.getMessage());
    }
    database.close();
  }
}
