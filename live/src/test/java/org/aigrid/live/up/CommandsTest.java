package org.aigrid.live.up;

import static java.util.Objects.requireNonNull;
import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.io.PrintWriter;
import java.io.StringWriter;
import java.net.InetAddress;
import java.net.ServerSocket;
import java.net.URI;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import org.aigrid.live.gateway.CallerNotice;
import org.aigrid.live.gateway.KeyEntry;
import org.aigrid.live.radio.ReclaimRecord;
import org.aigrid.live.replay.PretendGrid;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import picocli.CommandLine;

class CommandsTest {
  @TempDir Path folder;

  private record Ran(int exitCode, String out, String err) {}

  private static Ran grid(String... arguments) {
    var out = new StringWriter();
    var err = new StringWriter();
    CommandLine commandLine = GridCommand.commandLine();
    commandLine.setOut(new PrintWriter(out, true));
    commandLine.setErr(new PrintWriter(err, true));
    int exitCode = commandLine.execute(arguments);
    return new Ran(exitCode, out.toString(), err.toString());
  }

  @Test
  void helpTeachesWhereToBegin() {
    Ran ran = grid("--help");
    assertThat(ran.exitCode()).isZero();
    assertThat(ran.out()).contains("./grid up", "./grid chat", "replay", "bench", "test");
    assertThat(grid("help", "replay").out()).contains("--speed", "--max-in-flight");
    assertThat(grid().out()).isEqualTo(ran.out());
  }

  @Test
  void aMisspeltCommandIsAnsweredWithTheRightOne() {
    Ran ran = grid("replya");
    assertThat(ran.exitCode()).isEqualTo(2);
    assertThat(ran.err()).contains("replya").contains("replay").doesNotContain("\tat ");
  }

  @Test
  void chatPrintsTheAnswerAndWhereItRan() throws Exception {
    try (var server = new PretendGrid((number, body, reply) -> reply.stream(3, "cell-a", "cell"))) {
      Ran ran = grid("chat", "--url", server.url().toString(), "good", "morning");
      assertThat(ran.exitCode()).isZero();
      assertThat(ran.out()).contains("t0 t1 t2").contains("[cell-a (cell) | first token");
      assertThat(server.prompts()).containsExactly("good morning");
    }
  }

  @Test
  void aRefusedQuestionIsASentenceAndAnExitCode() throws Exception {
    try (var server =
        new PretendGrid(
            (number, body, reply) ->
                reply.json(401, "{\"error\":{\"message\":\"Incorrect API key.\"}}"))) {
      Ran ran = grid("chat", "--url", server.url().toString(), "hello");
      assertThat(ran.exitCode()).isEqualTo(1);
      assertThat(ran.err()).contains("Refused with 401: Incorrect API key.");
    }
  }

  @Test
  void anAnswerCannotSteerTheTerminal() throws Exception {
    try (var server =
        new PretendGrid(
            (number, body, reply) -> {
              reply.begin("hub", "hub");
              reply.frame("data: {\"choices\":[{\"delta\":{\"content\":\"a\\u001b[2Jb\"}}]}\n\n");
              reply.frame("data: [DONE]\n\n");
              reply.end();
            })) {
      assertThat(grid("chat", "--url", server.url().toString(), "x").out())
          .contains("a[2Jb")
          .doesNotContain("\u001b");
    }
  }

  @Test
  void nobodyListeningIsASentence() throws Exception {
    String url = "http://127.0.0.1:" + freePort();
    assertSentence(grid("chat", "--url", url, "x"), "cannot talk to " + url + ": nobody listens");
    assertSentence(grid("replay", "--url", url, trace("2023-11-16 18:15:46,3,4").toString()), url);
    assertSentence(
        grid("sites", "--admin-port", String.valueOf(freePort())), "no grid answers on admin port");
    assertSentence(grid("chat", "--url", "nonsense", "x"), "is no address of a server");
  }

  @Test
  void replayPrintsPercentilesAndWritesThemAsJson() throws Exception {
    Path json = folder.resolve("report.json");
    try (var server = new PretendGrid((number, body, reply) -> reply.stream(3, "cell-a", "cell"))) {
      Ran ran =
          grid(
              "replay",
              "--url",
              server.url().toString(),
              "--speed",
              "10",
              "--json",
              json.toString(),
              trace("2023-11-16 18:15:46,3,3", "2023-11-16 18:15:47,3,3").toString());
      assertThat(ran.err()).isEmpty();
      assertThat(ran.exitCode()).isZero();
      assertThat(ran.out())
          .contains("2 answered, 0 failed")
          .contains("first token (TTFT)")
          .contains("100.0 %");
      assertThat(Files.readString(json)).contains("\"answered\" : 2");
    }
  }

  @Test
  void aReplayWithAFailedRequestEndsWithOne() throws Exception {
    try (var server =
        new PretendGrid(
            (number, body, reply) ->
                reply.json(
                    503, "{\"error\":{\"message\":\"no site\",\"code\":\"no_capacity\"}}"))) {
      Ran ran =
          grid(
              "replay",
              "--url",
              server.url().toString(),
              trace("2023-11-16 18:15:46,3,4").toString());
      assertThat(ran.exitCode()).isEqualTo(1);
      assertThat(ran.out()).contains("503 no_capacity: no site");
    }
  }

  @Test
  void aTraceThatCannotBeReadIsASentenceAndNothingIsSent() throws Exception {
    assertSentence(grid("replay", folder.resolve("none.csv").toString()), "there is no such file");
    Path bad = trace("2023-11-16 18:15:46,3,4", "2023-11-16 18:15:47,three,4");
    assertSentence(grid("replay", bad.toString()), bad + ":3: ContextTokens 'three'");
    assertSentence(grid("replay", "--speed", "0", bad.toString()), "--speed 0 (expected: above 0)");
  }

  @Test
  void whatUpCannotDoIsASentenceEach() throws Exception {
    try (var taken = new ServerSocket(0, 1, InetAddress.getLoopbackAddress())) {
      assertSentence(
          grid("up", "--port", String.valueOf(taken.getLocalPort()), "--no-table"),
          "cannot listen on 127.0.0.1:" + taken.getLocalPort());
      assertSentence(
          grid("up", "--port", "0", "--admin-port", String.valueOf(taken.getLocalPort())),
          "--admin-port");
    }
    Path topology = Files.writeString(folder.resolve("grid.toml"), "name = \"x\"\ncolour = 1\n");
    assertSentence(grid("up", "--topology", topology.toString()), topology + ":2:1: unknown key");
    assertSentence(grid("up", "--topology", folder + "/none.toml"), "there is no such file");
    assertSentence(grid("up", "--model", folder + "/none.gguf"), "there is no such file");
    Path page = Files.writeString(folder.resolve("page.gguf"), "<html>not found</html>");
    assertSentence(grid("up", "--model", page.toString()), "does not begin with GGUF");
    assertSentence(grid("up", "--tls-cert", page.toString()), "--tls-cert and --tls-key");
    assertSentence(
        grid("up", "--tls-cert", folder + "/a.pem", "--tls-key", folder + "/b.pem"), "cannot read");
    assertSentence(grid("up", "--keys", folder + "/none.toml"), "key file");
    assertSentence(grid("up", "--key", "a b"), "--key (expected: printable");
    assertSentence(grid("up", "--port", "70000"), "--port 70000 (expected: 0 to 65535)");
    assertSentence(grid("up", "--upstream", "nonsense"), "it names no host");
    assertSentence(
        grid("up", "--upstream", "http://169.254.169.254/latest"),
        "--upstream 'http://169.254.169.254/latest': it is link-local or a cloud's metadata");
    String url = "http://127.0.0.1:" + freePort();
    assertSentence(
        grid("up", "--upstream", url), "--upstream " + url + " does not list its models");
    assertThat(grid("up", "--port", "eighty").exitCode()).isEqualTo(2);
  }

  @Test
  void aNewKeysLimitsAreThoseThatTheGridReads() throws Exception {
    Ran made =
        grid(
            "keys",
            "new",
            "--requests-per-minute=3",
            "--tokens-per-minute=500",
            "--jurisdiction",
            "JP,DE");
    Path file = Files.writeString(folder.resolve("limited.toml"), made.out());
    KeyEntry key =
        requireNonNull(KeyStore.choose(null, file, null).keys().find(made.err().strip()));
    assertThat(made.out()).contains("requests_per_minute = 3\n", "tokens_per_minute = 500\n");
    assertThat(key.jurisdictions()).containsExactly("JP", "DE");
    assertSentence(grid("keys", "new", "--tokens-per-minute", "0"), "expected: 1 or more");
    assertSentence(grid("keys", "new", "--jurisdiction", "Japan"), "two letters of ISO 3166-1");
  }

  @Test
  void keysAreMadeForAFileThatUpCanRead() throws Exception {
    Ran made = grid("keys", "new", "--id", "app", "--tenant", "messenger");
    String secret = made.err().strip();
    assertThat(secret).startsWith("sk-grid-").hasSizeGreaterThan(40);
    assertThat(made.out()).contains("id = \"app\"").doesNotContain(secret);
    String hash = grid("keys", "hash", secret).out().strip();
    assertThat(made.out()).contains("sha256 = \"" + hash + "\"");
    Path file = Files.writeString(folder.resolve("keys.toml"), made.out());
    KeyStore.Chosen chosen = KeyStore.choose(null, file, null);
    assertThat(chosen.keys().find(secret)).isNotNull();
    assertThat(chosen.secret()).isNull();
    assertSentence(grid("keys", "new", "--id", "a\nb"), "expected: 1 to 64 letters");
  }

  @Test
  void aDataFolderKeepsTheHashOfAGeneratedKeyAndNothingElse() throws Exception {
    Path data = folder.resolve("data");
    KeyStore.Chosen first = KeyStore.choose(null, null, data);
    String secret = requireNonNull(first.secret());
    assertThat(first.generated()).isTrue();
    assertThat(Files.readString(data.resolve(KeyStore.FILE))).doesNotContain(secret);
    KeyStore.Chosen again = KeyStore.choose(null, null, data);
    assertThat(again.generated()).isFalse();
    assertThat(again.keys().find(secret)).isNotNull();
  }

  @Test
  void aTinyModelIsWrittenOnce() throws Exception {
    Path file = folder.resolve("tiny.gguf");
    assertThat(grid("tiny-model", file.toString()).exitCode()).isZero();
    assertThat(Files.size(file)).isGreaterThan(1_000);
    assertSentence(grid("tiny-model", file.toString()), "exists already");
  }

  @Test
  void theAdminEndpointCarriesOrdersOutAndAnswersOnlyItsOwnClients() throws Exception {
    var killed = new ArrayList<String>();
    SiteControl control =
        new SiteControl() {
          @Override
          public List<SiteState> sites() {
            return List.of(
                new SiteState(
                    "cell-a",
                    "A",
                    org.aigrid.core.model.Tier.CELL,
                    "r",
                    killed.isEmpty() ? SiteState.Condition.UP : SiteState.Condition.KILLED,
                    1_500,
                    "127.0.0.1:1",
                    0.37,
                    0.6,
                    2,
                    false,
                    List.of(new SiteState.EndpointState("m", "emulated", 1, 2, 3, 4_000))));
          }

          @Override
          public boolean kill(String siteId) {
            return siteId.equals("cell-a") && killed.add(siteId);
          }

          @Override
          public boolean drain(String siteId) {
            return false;
          }

          @Override
          public boolean revive(String siteId) {
            return false;
          }

          @Override
          public boolean surge(String siteId, double share, long forMs) {
            return siteId.equals("cell-a") && killed.add(siteId + " " + share + " " + forMs);
          }

          @Override
          public boolean mute(String siteId, boolean cut) {
            return siteId.equals("cell-a") && killed.add(siteId + " " + cut);
          }

          @Override
          public CallerNotice callerNoticed(
              @Nullable String tenant, String session, String siteId, long inMs) {
            if (!siteId.equals("cell-a")) {
              return CallerNotice.NO_SITE;
            }
            if (tenant == null && session.equals("both")) {
              return CallerNotice.SEVERAL_TENANTS;
            }
            killed.add(tenant + " " + session + " " + siteId + " " + inMs);
            return session.equals("nobody") ? CallerNotice.NO_SESSION : CallerNotice.TAKEN;
          }

          @Override
          public Map<String, List<ReclaimRecord>> reclaims() {
            return Map.of();
          }
        };
    try (var admin = AdminServer.start(control, 0)) {
      String port = String.valueOf(admin.port());
      assertThat(grid("sites", "--admin-port", port).out())
          .contains("cell-a", "cell", "up", "1.5 s", "37 %", "60 %", "4,000", "m (emulated)");
      assertThat(grid("sites", "--admin-port", port, "kill", "cell-a").out()).contains("killed");
      assertThat(killed).containsExactly("cell-a");
      grid("sites", "--admin-port", port, "surge", "cell-a", "--share", "0.8", "--ms", "500");
      grid("sites", "--admin-port", port, "mute", "cell-a");
      assertThat(killed).containsExactly("cell-a", "cell-a 0.8 500", "cell-a true");
      assertSentence(grid("sites", "--admin-port", port, "kill", "cell-z"), "no site 'cell-z'");
      assertSentence(grid("sites", "--admin-port", port, "kill"), "which site?");
      killed.clear();
      assertThat(grid("move", "chat 1/&", "cell-a", "--admin-port", port).out())
          .contains("The caller of chat 1/& is at cell-a.");
      assertThat(
              grid(
                      "move",
                      "both",
                      "cell-a",
                      "--in-ms",
                      "900",
                      "--tenant",
                      "a+b",
                      "--admin-port",
                      port)
                  .out())
          .contains("is expected at cell-a in 900 ms");
      assertThat(killed).containsExactly("null chat 1/& cell-a 0", "a+b both cell-a 900");
      assertSentence(grid("move", "x", "cell-z", "--admin-port", port), "no site 'cell-z'");
      assertSentence(grid("move", "nobody", "cell-a", "--admin-port", port), "no session 'nobody'");
      assertSentence(grid("move", "both", "cell-a", "--admin-port", port), "say which");
      assertSentence(
          grid("move", "x", "cell-a", "--in-ms", "-5", "--admin-port", port), "expected: 0 to");
      try (var http = java.net.http.HttpClient.newHttpClient()) {
        var request =
            java.net.http.HttpRequest.newBuilder(URI.create("http://127.0.0.1:" + port + "/sites"))
                .build();
        assertThat(
                http.send(request, java.net.http.HttpResponse.BodyHandlers.discarding())
                    .statusCode())
            .isEqualTo(403);
      }
    }
  }

  @Test
  void policiesAreCheckedExplainedAndTested() throws Exception {
    Path policy =
        Files.writeString(
            folder.resolve("p.cedar"),
            """
            permit (principal, action, resource in Jurisdiction::"JP");
            @id("cells") forbid (principal, action, resource) when { resource.tier == "cell" };
            """);
    String file = policy.toString();
    assertThat(grid("policy", "check", file).out()).contains("2 policies, version ");
    Path broken =
        Files.writeString(folder.resolve("b.cedar"), "permit (principal, acton, resource);");
    Ran refused = grid("policy", "check", file, broken.toString());
    assertSentence(refused, broken + ":1:20: 'acton'");
    assertThat(refused.err())
        .contains("\n  permit (principal, acton, resource);\n" + " ".repeat(21) + "^");
    assertThat(refused.out()).contains("2 policies");
    assertSentence(grid("policy", "check", folder.resolve("none").toString()), "no such file");

    Ran all = grid("policy", "explain", file, "--tenant", "t");
    assertThat(all.exitCode()).isEqualTo(1);
    assertThat(all.out())
        .contains("hub-tomakomai", "permitted", "cell-koto", "forbidden", "1 of 13");
    Ran one = grid("policy", "explain", file, "--tenant", "t", "--site", "cell-koto");
    assertThat(one.exitCode()).isEqualTo(1);
    assertThat(one.out()).contains("is forbidden by 'cells' (line 2)", "permit policy1 (line 1)");
    Ran described =
        grid(
            "policy",
            "explain",
            file,
            "--tenant",
            "t",
            "--jurisdiction",
            "JP",
            "--site-tier",
            "hub",
            "--key",
            "jp,de",
            "--residency",
            "JP");
    assertThat(described.exitCode()).isZero();
    assertThat(described.out()).contains("infer for t at a-site (JP) is permitted by 'policy1'");
    assertSentence(grid("policy", "explain", file, "--tenant", "t", "--site", "x"), "no site 'x'");
    assertSentence(
        grid("policy", "explain", file, "--tenant", "t", "--residency", "Japan"),
        "two-letter codes");

    Path tests =
        Files.writeString(
            folder.resolve("t.toml"),
            """
            policy = ["p.cedar"]
            [[case]]
            name = "hubs compute"
            tenant = "t"
            site-tier = "hub"
            jurisdiction = "JP"
            expect = "permit"
            """);
    assertThat(grid("policy", "test", tests.toString()).out())
        .contains("ok     hubs compute", "1 cases, all as expected");
    Files.writeString(tests, Files.readString(tests).replace("\"JP\"", "\"DE\""));
    Ran wrong = grid("policy", "test", tests.toString());
    assertSentence(wrong, "1 of 1 cases have another answer");
    assertThat(wrong.out()).contains("WRONG", tests + ":3: expected permit, but infer for t");
    assertThat(grid("policy", "--help").out()).contains("check", "explain", "test", "Jurisdiction");
  }

  @Test
  void aSessionFileIsForItsOwnerAlone() throws Exception {
    Path file = folder.resolve(".grid").resolve("up.json");
    var session = new Session(URI.create("http://127.0.0.1:9000"), 9_001, "sk-x", 42);
    session.write(file);
    assertThat(Session.read(file)).isEqualTo(session);
    if (file.getFileSystem().supportedFileAttributeViews().contains("posix")) {
      assertThat(Files.getPosixFilePermissions(file)).hasSize(2);
    }
    new Session(session.url(), 0, null, 43).remove(file);
    assertThat(file).exists();
    session.remove(file);
    assertThat(file).doesNotExist();
    assertThat(Session.read(file)).isNull();
  }

  private static void assertSentence(Ran ran, String part) {
    assertThat(ran.exitCode()).isEqualTo(1);
    assertThat(ran.err()).startsWith("grid: ").contains(part).doesNotContain("\tat ");
  }

  private Path trace(String... rows) throws IOException {
    return Files.writeString(
        folder.resolve("trace.csv"),
        "TIMESTAMP,ContextTokens,GeneratedTokens\r\n" + String.join("\r\n", rows) + "\r\n");
  }

  private static int freePort() throws IOException {
    try (var socket = new ServerSocket(0, 1, InetAddress.getLoopbackAddress())) {
      return socket.getLocalPort();
    }
  }
}
