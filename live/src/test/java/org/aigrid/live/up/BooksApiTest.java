package org.aigrid.live.up;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.io.PrintWriter;
import java.io.StringWriter;
import java.lang.reflect.Proxy;
import java.net.URI;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpResponse;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.time.Instant;
import java.util.HexFormat;
import java.util.List;
import java.util.Queue;
import java.util.concurrent.ConcurrentLinkedQueue;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.concurrent.locks.LockSupport;
import org.aigrid.core.admit.Scope;
import org.aigrid.live.books.AdminTokens;
import org.aigrid.live.books.Database;
import org.aigrid.live.books.TenantDirectory;
import org.aigrid.live.books.Tenants;
import org.aigrid.live.gateway.CallerNotice;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;
import picocli.CommandLine;

class BooksApiTest {
  @TempDir static Path folder;
  private static Database database;
  private static BooksApi books;
  private static AdminServer open;
  private static AdminServer guarded;

  private static final Queue<String> CHANGED = new ConcurrentLinkedQueue<>();

  @BeforeAll
  static void start() throws Exception {
    database = Database.embedded(folder);
    books =
        new BooksApi(
            database,
            policy -> {
              if (policy.contains("nonsense")) {
                throw new IllegalArgumentException("policy:1:1: 'nonsense' (expected: permit)");
              }
            },
            change ->
                CHANGED.add(
                    change.order()
                        + " "
                        + (change.tenant() == null ? change.subject() : change.tenant())
                        + " "
                        + change.details()
                        + " "
                        + change.who()),
            tenant -> tenant.getBytes(StandardCharsets.US_ASCII));
    SiteControl nothing =
        (SiteControl)
            Proxy.newProxyInstance(
                SiteControl.class.getClassLoader(),
                new Class<?>[] {SiteControl.class},
                (_, method, arguments) ->
                    switch (method.getName()) {
                      case "sites" -> List.of();
                      case "kill", "revive" -> "cell-1".equals(arguments[0]);
                      case "callerNoticed" -> CallerNotice.TAKEN;
                      default -> throw new UnsupportedOperationException(method.getName());
                    });
    open = AdminServer.start(nothing, 0, "1", books);
    guarded = AdminServer.start(nothing, 0, "right", books);
  }

  @AfterAll
  static void stop() {
    open.close();
    guarded.close();
    books.close();
    database.close();
  }

  private record Ran(int code, String out, String err) {}

  private static Ran grid(String... args) {
    CommandLine line = GridCommand.commandLine();
    var out = new StringWriter();
    var err = new StringWriter();
    line.setOut(new PrintWriter(out, true));
    line.setErr(new PrintWriter(err, true));
    var all = new String[args.length + 2];
    System.arraycopy(args, 0, all, 0, args.length);
    all[args.length] = "--admin-port";
    all[args.length + 1] = String.valueOf(open.port());
    int code = line.execute(all);
    return new Ran(code, out.toString(), err.toString());
  }

  @Test
  void anOrderIsCarriedOutAsAWholeAndOnlyWhatChangedIsTold() {
    books.order("tenants.create", "{\"tenant\":\"whole\"}", "me");
    String before = books.order("tenants.show", "{\"tenant\":\"whole\"}", "me");
    assertThatThrownBy(
            () ->
                books.order(
                    "tenants.limit",
                    "{\"tenant\":\"whole\",\"tierCeiling\":\"harvest\",\"weight\":0}",
                    "me"))
        .hasMessageContaining("weight 0");
    assertThat(books.order("tenants.show", "{\"tenant\":\"whole\"}", "me"))
        .as("nothing is half applied")
        .isEqualTo(before);
    String credit = "{\"tenant\":\"whole\",\"amount\":\"1\",\"reference\":\"w1\"}";
    books.order("tenants.credit", credit, "me");
    assertThat(books.order("tenants.credit", credit, "me")).contains("nothing changed");
    assertThat(CHANGED.stream().filter(line -> line.startsWith("tenants.credit whole"))).hasSize(1);
  }

  @Test
  void aTenantFromNothingToItsAudit() {
    assertThat(grid("tenants", "create", "ministry", "--name", "Ministry of Trees").code())
        .isZero();
    assertThat(grid("tenants", "credit", "ministry", "12.5", "--reference", "i1").out())
        .contains("Credited 12.5; free now: 12.5");
    assertThat(grid("tenants", "credit", "ministry", "12.5", "--reference", "i1").out())
        .contains("nothing changed");
    assertThat(grid("tenants", "price", "*", "--prompt", "20", "--output", "80").code()).isZero();
    assertThat(
            grid(
                    "tenants",
                    "limit",
                    "ministry",
                    "--tokens-per-minute",
                    "9000",
                    "--tier-ceiling",
                    "standard",
                    "--weight",
                    "3")
                .code())
        .isZero();
    assertThat(grid("tenants", "policy", "ministry", "--jurisdiction", "JP").code()).isZero();
    Ran made = grid("keys", "new", "--register", "--tenant", "ministry", "--id", "m1");
    assertThat(made.code()).isZero();
    TenantDirectory directory = new Tenants(database).directory();
    assertThat(directory.find(made.err().strip(), 0)).isNotNull();
    Ran rotated = grid("keys", "rotate", "m1", "--overlap", "5m");
    assertThat(new Tenants(database).directory().find(rotated.err().strip(), 0)).isNotNull();
    assertThat(grid("keys", "revoke", "m1").code()).isZero();
    assertThat(grid("keys", "list").out())
        .containsPattern("m1 +ministry +default +inference +revoked")
        .containsPattern("m2 +ministry +default +inference +never ends +m1");
    assertThat(grid("tenants", "list").out())
        .contains("TENANT", "ministry", "12.5", "standard", "JP");
    assertThat(grid("tenants", "show", "ministry").out()).contains("Ministry of Trees", "9000");
    assertThat(grid("tenants", "audit").out())
        .contains("tenant.create", "tenant.credit", "key.rotate", System.getProperty("user.name"))
        .doesNotContain(made.err().strip());
    assertThat(grid("usage", "--by", "tenant", "--format", "csv").out())
        .startsWith("tenant,requests");
    assertThat(grid("usage", "--format", "focus").out()).startsWith("AvailabilityZone,");
    assertThat(grid("usage").out()).contains("REQUESTS");
  }

  @Test
  void aKeySaysWhatItMayDoAndUntilWhen() {
    grid("tenants", "create", "scoping");
    Ran made =
        grid(
            "keys",
            "new",
            "--register",
            "--tenant",
            "scoping",
            "--id",
            "s1",
            "--scopes",
            "usage,inference",
            "--expires",
            "2099-01-31");
    assertThat(made.code()).isZero();
    assertThat(grid("keys", "list", "--tenant", "scoping").out())
        .containsPattern("s1 +scoping +default +inference usage +2099-02-01T00:00:00Z");
    TenantDirectory.Key key =
        new Tenants(database).directory().find(made.err().strip(), System.currentTimeMillis());
    assertThat(key).isNotNull();
    assertThat(key != null && key.may(Scope.USAGE) && key.may(Scope.INFERENCE)).isTrue();
    assertThat(grid("tenants", "role", "scoping", "ann", "auditor").code()).isZero();
    assertThat(grid("tenants", "roles", "scoping").out()).containsPattern("ann +auditor");
    assertThat(grid("keys", "new", "--help").out()).contains("GET /v1/usage");
    assertThat(grid("tenants", "role", "--help").out()).contains("takes a role away");
  }

  @Test
  void whatMakesNoSenseIsOneSentence() {
    for (String[] wrong :
        new String[][] {
          {"tenants", "credit", "nobody", "1"},
          {"tenants", "create", "no spaces"},
          {"usage", "--month", "today"},
          {"usage", "--by", "colour"},
          {"keys", "revoke", "nothing"},
          {"keys", "rotate", "nothing"},
          {"keys", "rotate", "nothing", "--overlap", "soon"},
          {"keys", "rotate", "nothing", "--overlap", "999999w"},
          {"keys", "new", "--register", "--tenant", "nobody", "--scopes", "batch"},
          {"keys", "new", "--register", "--tenant", "nobody", "--scopes", ""},
          {"keys", "new", "--register", "--tenant", "nobody", "--expires", "2020-01-31"},
          {"keys", "new", "--register", "--tenant", "nobody", "--expires", "tomorrow"},
          {"keys", "new", "--scopes", "usage"},
          {"tenants", "role", "nobody", "ann", "root"},
          {"tenants", "digest-key", "nobody"},
          {"tenants", "projects", "nobody"},
          {"tenants", "budget", "nobody", "default", "5"},
          {"tenants", "budget", "nobody", "default"},
          {"tenants", "budget", "nobody", "default", "5", "--per", "week"},
          {"admin-token", "new", "a b"},
          {"admin-token", "revoke", "nobody"}
        }) {
      Ran ran = grid(wrong);
      assertThat(ran.code()).as(String.join(" ", wrong)).isNotZero();
      assertThat(ran.err())
          .startsWith("grid: ")
          .hasLineCount(1)
          .containsAnyOf("expected", "shows them");
    }
    grid("tenants", "create", "amounts");
    assertThat(grid("tenants", "credit", "amounts", "0.0000001").err()).contains("6 places");
  }

  @Test
  void nothingIsAnsweredWithoutTheToken() throws Exception {
    assertThat(ask(null)).isEqualTo(403);
    assertThat(ask("1")).isEqualTo(403);
    assertThat(ask("righ")).isEqualTo(403);
    assertThat(ask("right")).isEqualTo(200);
  }

  private static int ask(@Nullable String token) throws Exception {
    return ask(token, "/books/tenants.list", "somebody");
  }

  private static int ask(@Nullable String token, String path, String claimed) throws Exception {
    HttpRequest.Builder request =
        HttpRequest.newBuilder(URI.create("http://127.0.0.1:" + guarded.port() + path))
            .header(AdminServer.USER_HEADER, claimed)
            .POST(HttpRequest.BodyPublishers.ofString("{}"));
    if (token != null) {
      request.header(AdminServer.HEADER, token);
    }
    try (HttpClient http = HttpClient.newHttpClient()) {
      return http.send(request.build(), HttpResponse.BodyHandlers.ofString()).statusCode();
    }
  }

  private static void awaitAudit(String pattern) {
    long end = System.nanoTime() + 30_000_000_000L;
    while (!grid("tenants", "audit").out().matches("(?s).*" + pattern + ".*")) {
      if (System.nanoTime() - end > 0) {
        throw new AssertionError(pattern + " is not in " + grid("tenants", "audit").out());
      }
      LockSupport.parkNanos(20_000_000);
    }
  }

  @Test
  void theAuditSaysWhichAdministratorDidWhatToWhichSite() throws Exception {
    Ran ann = grid("admin-token", "new", "ann", "--expires", "1h");
    assertThat(ann.code()).isZero();
    String token = ann.err().strip();
    assertThat(token).startsWith("grid-admin-");
    assertThat(ask(token, "/sites/cell-1/kill", "bob")).isEqualTo(200);
    awaitAudit("ann +site.kill +cell-1");
    assertThat(ask("right", "/sites/cell-1/revive", "bob")).isEqualTo(200);
    awaitAudit("session/bob +site.revive +cell-1");
    assertThat(ask(token, "/sites/nowhere/kill", "bob")).isEqualTo(404);
    assertThat(ask(token, "/callers/secret-session/cell/cell-1?tenant=t1", "bob")).isEqualTo(200);
    awaitAudit("ann +caller.move +cell-1 +of t1");
    assertThat(grid("tenants", "audit").out())
        .doesNotContain("nowhere", "secret-session", token)
        .doesNotContainPattern("(?m) bob ");
    assertThat(CHANGED)
        .anyMatch(line -> line.startsWith("site.kill cell-1") && line.endsWith("ann"))
        .noneMatch(line -> line.contains("caller.move"));

    assertThat(grid("admin-token", "new", "ann").err()).contains("has or had a token");
    assertThat(grid("admin-token", "revoke", "ann").code()).isZero();
    assertThat(ask(token)).as("at once").isEqualTo(403);
    assertThat(grid("admin-token", "list").out()).containsPattern("ann .*revoked");
    assertThat(grid("admin-token", "new", "ann").err()).as("a name is used once").contains("had");
    assertThat(ask("right")).isEqualTo(200);
  }

  @Test
  @Timeout(60)
  void anOrderAboutASiteDoesNotWaitForOneThatWaitsForTheDatabase() throws Exception {
    try (ExecutorService threads = Executors.newVirtualThreadPerTaskExecutor()) {
      Future<Integer> books =
          database
              .jdbi()
              .inTransaction(
                  h -> {
                    h.execute("lock table tenants in access exclusive mode");
                    Future<Integer> asked = threads.submit(() -> ask("right"));
                    while (h.createQuery(
                                "select count(*) from pg_stat_activity where wait_event_type ="
                                    + " 'Lock' and pid in (select pid from pg_locks where not"
                                    + " granted and relation = 'tenants'::regclass)")
                            .mapTo(Long.class)
                            .one()
                        == 0) {
                      LockSupport.parkNanos(5_000_000);
                    }
                    assertThat(ask("right", "/sites/cell-1/kill", "bob")).isEqualTo(200);
                    assertThat(asked.isDone()).as("it waits all the same").isFalse();
                    return asked;
                  });
      assertThat(books.get()).isEqualTo(200);
    }
  }

  @Test
  void administratorsGetInWhileTheDatabaseIsAwayButNotAfterTheirTime() {
    var tokens = new AdminTokens(database);
    Instant end = Instant.now().plusSeconds(3_600);
    tokens.create("me", "eve", TenantDirectory.hash("eves"), end);
    assertThat(tokens.find("eves", end.toEpochMilli() - 1)).isEqualTo("eve");
    assertThat(tokens.find("eves", end.toEpochMilli())).isNull();
    assertThat(tokens.find("eve", 0)).isNull();
    assertThat(new AdminTokens(database).find("eves", 0)).as("after a restart").isEqualTo("eve");
    assertThatThrownBy(() -> tokens.create("me", "ed", TenantDirectory.hash("eves"), null))
        .as("one secret, one name")
        .hasMessageContaining("new name");
    assertThatThrownBy(() -> tokens.create("me", "a/b", TenantDirectory.hash("x"), null))
        .hasMessageContaining("64 letters");
  }

  @Test
  void theKeyOfATenantsDigestsIsHandedOutAndWrittenDown() {
    grid("tenants", "create", "digesting");
    assertThat(grid("tenants", "digest-key", "digesting").out().strip())
        .isEqualTo(HexFormat.of().formatHex("digesting".getBytes(StandardCharsets.US_ASCII)));
    assertThat(grid("tenants", "audit").out()).containsPattern("tenant.digest-key +digesting");
    assertThat(grid("tenants", "digest-key", "nobody").err()).contains("no tenant 'nobody'");
  }

  @Test
  void thePublicLogNamesNoPersonWhoHasARole() {
    grid("tenants", "create", "private");
    grid("tenants", "role", "private", "carol@example", "auditor");
    assertThat(CHANGED)
        .anyMatch(line -> line.startsWith("tenants.role private"))
        .noneMatch(line -> line.contains("carol"));
    assertThat(grid("tenants", "audit").out()).contains("carol@example auditor");
  }

  @Test
  void aProjectsBudgetIsSetAndShown() {
    grid("tenants", "create", "budgeting");
    assertThat(grid("tenants", "project", "budgeting", "tax").code()).isZero();
    assertThat(grid("tenants", "budget", "budgeting", "tax", "12.5", "--per", "month").code())
        .isZero();
    assertThat(grid("tenants", "projects", "budgeting").out())
        .containsPattern("tax +12.5 +month +0 +0 +12.5")
        .containsPattern("default +none +0 +0 +any");
    assertThat(grid("tenants", "budget", "budgeting", "tax", "--none").code()).isZero();
    assertThat(grid("tenants", "projects", "budgeting").out()).containsPattern("tax +none");
    assertThat(grid("tenants", "audit").out())
        .containsPattern("budget.set +budgeting/tax +12500000 micros per month");
  }

  @Test
  void linesForTheAuditWaitWhileItsTableIsAwayAndKeepTheirTime() throws Exception {
    var away = new AtomicBoolean(true);
    var tried = new CountDownLatch(1);
    Queue<AdminAudit.Line> table = new ConcurrentLinkedQueue<>();
    var written = new CountDownLatch(2);
    try (var audit =
        new AdminAudit(
            line -> {
              if (away.get()) {
                tried.countDown();
                throw new IllegalStateException("away");
              }
              table.add(line);
              written.countDown();
            })) {
      var first = new AdminAudit.Line(Instant.EPOCH, "ann", "site.kill", "a", "");
      var second = new AdminAudit.Line(Instant.EPOCH, "ann", "site.revive", "a", "");
      audit.add(first);
      assertThat(tried.await(20, TimeUnit.SECONDS)).isTrue();
      audit.add(second);
      away.set(false);
      assertThat(written.await(20, TimeUnit.SECONDS)).isTrue();
      assertThat(table).containsExactly(first, second);
    }
  }
}
