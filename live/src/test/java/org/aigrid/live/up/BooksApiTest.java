package org.aigrid.live.up;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.PrintWriter;
import java.io.StringWriter;
import java.lang.reflect.Proxy;
import java.net.URI;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpResponse;
import java.nio.file.Path;
import java.util.Queue;
import java.util.concurrent.ConcurrentLinkedQueue;
import org.aigrid.live.books.Database;
import org.aigrid.live.books.TenantDirectory;
import org.aigrid.live.books.Tenants;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import picocli.CommandLine;

class BooksApiTest {
  @TempDir static Path folder;
  private static Database database;
  private static AdminServer open;
  private static AdminServer guarded;

  private static final Queue<String> CHANGED = new ConcurrentLinkedQueue<>();

  @BeforeAll
  static void start() throws Exception {
    database = Database.embedded(folder);
    var books =
        new BooksApi(
            database,
            policy -> {
              if (policy.contains("nonsense")) {
                throw new IllegalArgumentException("policy:1:1: 'nonsense' (expected: permit)");
              }
            },
            (order, subject, _, _) -> CHANGED.add(order + " " + subject));
    SiteControl nothing =
        (SiteControl)
            Proxy.newProxyInstance(
                SiteControl.class.getClassLoader(),
                new Class<?>[] {SiteControl.class},
                (_, method, _) -> {
                  throw new UnsupportedOperationException(method.getName());
                });
    open = AdminServer.start(nothing, 0, "1", books);
    guarded = AdminServer.start(nothing, 0, "right", books);
  }

  @AfterAll
  static void stop() {
    open.close();
    guarded.close();
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
    Ran rotated = grid("keys", "rotate", "m1", "m2", "--overlap-minutes", "5");
    assertThat(new Tenants(database).directory().find(rotated.err().strip(), 0)).isNotNull();
    assertThat(grid("keys", "revoke", "m1").code()).isZero();
    assertThat(grid("keys", "list").out()).contains("m1", "revoked", "m2", "never ends");
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
  void whatMakesNoSenseIsOneSentence() {
    for (String[] wrong :
        new String[][] {
          {"tenants", "credit", "nobody", "1"},
          {"tenants", "create", "no spaces"},
          {"usage", "--month", "today"},
          {"usage", "--by", "colour"},
          {"keys", "revoke", "nothing"}
        }) {
      Ran ran = grid(wrong);
      assertThat(ran.code()).as(String.join(" ", wrong)).isNotZero();
      assertThat(ran.err()).startsWith("grid: ").contains("expected").hasLineCount(1);
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
    HttpRequest.Builder request =
        HttpRequest.newBuilder(
                URI.create("http://127.0.0.1:" + guarded.port() + "/books/tenants.list"))
            .POST(HttpRequest.BodyPublishers.ofString("{}"));
    if (token != null) {
      request.header(AdminServer.HEADER, token);
    }
    try (HttpClient http = HttpClient.newHttpClient()) {
      return http.send(request.build(), HttpResponse.BodyHandlers.ofString()).statusCode();
    }
  }
}
