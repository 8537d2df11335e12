package org.aigrid.live.up;

import java.io.BufferedReader;
import java.io.Console;
import java.io.IOException;
import java.io.InputStreamReader;
import java.nio.charset.Charset;
import java.time.Instant;
import java.util.HexFormat;
import java.util.List;
import java.util.concurrent.Callable;
import org.aigrid.live.gateway.Keys;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.Parameters;
import picocli.CommandLine.Spec;
import tools.jackson.databind.node.ArrayNode;
import tools.jackson.databind.node.ObjectNode;

/// Makes API keys and their hashes.
@Command(
    name = "keys",
    description = {
      "Makes API keys for a key file (./grid up --keys FILE), which holds hashes only; or, with"
          + " --register, list, rotate and revoke, for the books of the running grid.",
      "",
      "  ./grid keys new --register --tenant ministry --id ministry-1",
      "  ./grid keys new --register --tenant ministry --id books-1 --scopes usage --expires 90d",
      "  ./grid keys rotate ministry-1 --overlap 24h    both keys work for a day",
      "  ./grid keys list --tenant ministry             what may do what, until when",
      ""
    },
    mixinStandardHelpOptions = true,
    subcommands = KeysCommand.Hash.class,
    synopsisSubcommandLabel = "(new | hash | list | rotate | revoke)")
final class KeysCommand implements Runnable {
  @Spec private @Nullable CommandSpec spec;

  @Override
  public void run() {
    if (spec != null) {
      spec.commandLine().usage(spec.commandLine().getOut());
    }
  }

  @Command(
      name = "new",
      description =
          "Generates a key: the secret goes to standard error, its entry for the key file"
              + " to standard output.",
      mixinStandardHelpOptions = true)
  int generate(
      @Option(names = "--id", defaultValue = "key", description = "Name for people and logs.")
          String id,
      @Option(names = "--tenant", defaultValue = "tenant", description = "Who pays.") String tenant,
      @Option(
              names = "--requests-per-minute",
              paramLabel = "N",
              description = "Its rate limit. Default: none.")
          @Nullable Long requestsPerMinute,
      @Option(
              names = "--tokens-per-minute",
              paramLabel = "N",
              description = "Its rate limit in tokens, prompt and output. Default: none.")
          @Nullable Long tokensPerMinute,
      @Option(
              names = "--jurisdiction",
              paramLabel = "CODE",
              split = ",",
              description =
                  "Where its requests may be processed, such as JP; repeat it for more. Default:"
                      + " anywhere.")
          @Nullable List<String> jurisdictions,
      @Option(
              names = "--register",
              description =
                  "Takes the key into the books of the running grid; the secret goes to standard"
                      + " error, once.")
          boolean register,
      @Option(
              names = "--project",
              paramLabel = "P",
              defaultValue = "default",
              description = "Of the tenant, with --register.")
          String project,
      @Option(
              names = "--scopes",
              paramLabel = "SCOPE",
              split = ",",
              description =
                  "What it may do, with --register: inference (ask models), usage (read what its"
                      + " tenant has used: GET /v1/usage). Default: inference.")
          @Nullable List<String> scopes,
      @Option(
              names = "--expires",
              paramLabel = "WHEN",
              description =
                  "When it ends, with --register: 90d, or a day such as 2027-01-31 (to its end,"
                      + " UTC). Default: never.")
          @Nullable String expires,
      @Mixin AdminCall admin)
      throws InterruptedException {
    for (String name : new String[] {id, tenant}) {
      if (!name.matches("[A-Za-z0-9._-]{1,64}")) {
        throw new CommandFailure(
            "'" + name + "' (expected: 1 to 64 letters, digits, '.', '_' or '-')");
      }
    }
    requireOneOrMore("--requests-per-minute", requestsPerMinute);
    requireOneOrMore("--tokens-per-minute", tokensPerMinute);
    List<String> permitted = jurisdictions == null ? List.of() : jurisdictions;
    for (String code : permitted) {
      if (!code.matches("[A-Z]{2}")) {
        throw new CommandFailure(
            "--jurisdiction '" + code + "' (expected: two letters of ISO 3166-1, such as JP)");
      }
    }
    if (!register && (scopes != null || expires != null)) {
      throw new CommandFailure(
          "--scopes and --expires go with --register (expected: a key in the books; one of a key"
              + " file asks models and does not end)");
    }
    Instant end = expires == null ? null : Times.ahead("--expires", expires, Instant.now());
    String secret = KeyStore.newSecret();
    if (register) {
      if (!permitted.isEmpty()) {
        throw new CommandFailure(
            "--jurisdiction does not go with --register (expected: ./grid tenants policy)");
      }
      ObjectNode body =
          AdminCall.body()
              .put("id", id)
              .put("tenant", tenant)
              .put("project", project)
              .put("sha256", HexFormat.of().formatHex(Keys.hash(secret)));
      if (scopes != null) {
        ArrayNode words = body.putArray("scopes");
        scopes.forEach(words::add);
      }
      if (end != null) {
        body.put("expires", end.toString());
      }
      if (requestsPerMinute != null) {
        body.put("requestsPerMinute", requestsPerMinute);
      }
      if (tokensPerMinute != null) {
        body.put("tokensPerMinute", tokensPerMinute);
      }
      return order(admin, "keys.new", body, secret);
    }
    if (spec != null) {
      spec.commandLine().getErr().println(secret);
      var entry = new StringBuilder(KeyStore.entry(id, tenant, secret));
      if (requestsPerMinute != null) {
        entry.append("requests_per_minute = ").append(requestsPerMinute).append('\n');
      }
      if (tokensPerMinute != null) {
        entry.append("tokens_per_minute = ").append(tokensPerMinute).append('\n');
      }
      if (!permitted.isEmpty()) {
        entry
            .append("jurisdictions = [\"")
            .append(String.join("\", \"", permitted))
            .append("\"]\n");
      }
      spec.commandLine().getOut().print(entry);
      spec.commandLine().getOut().flush();
    }
    return 0;
  }

  /// Prints a secret only when the grid has taken it.
  private int order(AdminCall admin, String order, ObjectNode body, @Nullable String secret)
      throws InterruptedException {
    if (spec != null) {
      admin.print(order, body, spec.commandLine().getOut());
      if (secret != null) {
        spec.commandLine().getErr().println(secret);
      }
    }
    return 0;
  }

  @Command(
      name = "list",
      description =
          "The keys in the books of the running grid: what each may do, until when, and which one it"
              + " replaces; never their secrets.",
      mixinStandardHelpOptions = true)
  int list(
      @Mixin AdminCall admin,
      @Option(names = "--tenant", paramLabel = "T", description = "Of one. Default: all.")
          @Nullable String tenant)
      throws InterruptedException {
    ObjectNode body = AdminCall.body();
    if (tenant != null) {
      body.put("tenant", tenant);
    }
    return order(admin, "keys.list", body, null);
  }

  @Command(
      name = "rotate",
      description = {
        "Makes a new key with the rights of another, which stays good for a while: clients change over"
            + " in between, and nothing is down. The new secret goes to standard error. The new key"
            + " lives as long as the old one was made to."
      },
      mixinStandardHelpOptions = true)
  int rotate(
      @Mixin AdminCall admin,
      @Parameters(index = "0", paramLabel = "KEY", description = "The old key's id.") String old,
      @Parameters(
              index = "1",
              arity = "0..1",
              paramLabel = "NEW",
              description = "The new key's id. Default: the next number after the old one's.")
          @Nullable String id,
      @Option(
              names = "--overlap",
              paramLabel = "TIME",
              defaultValue = "24h",
              description = "How long the old one stays good. Default: ${DEFAULT-VALUE}.")
          String overlap,
      @Option(
              names = "--expires",
              paramLabel = "WHEN",
              description = "When the new one ends: 90d, or a day such as 2027-01-31.")
          @Nullable String expires)
      throws InterruptedException {
    String secret = KeyStore.newSecret();
    ObjectNode body =
        AdminCall.body()
            .put("old", old)
            .put("sha256", HexFormat.of().formatHex(Keys.hash(secret)))
            .put("overlapSeconds", Times.span("--overlap", overlap).toSeconds());
    if (id != null) {
      body.put("id", id);
    }
    if (expires != null) {
      body.put("expires", Times.ahead("--expires", expires, Instant.now()).toString());
    }
    return order(admin, "keys.rotate", body, secret);
  }

  @Command(name = "revoke", description = "Ends a key at once.", mixinStandardHelpOptions = true)
  int revoke(@Mixin AdminCall admin, @Parameters(paramLabel = "KEY") String id)
      throws InterruptedException {
    return order(admin, "keys.revoke", AdminCall.body().put("id", id), null);
  }

  private static void requireOneOrMore(String option, @Nullable Long value) {
    if (value != null && value < 1) {
      throw new CommandFailure(option + " " + value + " (expected: 1 or more)");
    }
  }

  /// Prints the hash of a secret that somebody has already.
  @Command(
      name = "hash",
      description =
          "Prints the sha256 of a secret, for a key file. Without SECRET it reads one line"
              + " from standard input, so that it need not stand in the shell's history.",
      mixinStandardHelpOptions = true)
  static final class Hash implements Callable<Integer> {
    @Spec private @Nullable CommandSpec spec;

    @Parameters(arity = "0..1", paramLabel = "SECRET", description = "The key.")
    private @Nullable String secret;

    @Override
    public Integer call() {
      String text = secret != null ? secret : read();
      if (text == null || text.isBlank()) {
        throw new CommandFailure("no secret (expected: one as argument or on standard input)");
      }
      if (spec != null) {
        spec.commandLine().getOut().println(HexFormat.of().formatHex(Keys.hash(text.strip())));
      }
      return 0;
    }

    private static @Nullable String read() {
      Console console = System.console();
      if (console != null && console.isTerminal()) {
        char[] typed = console.readPassword("Secret: ");
        return typed == null ? null : new String(typed);
      }
      try {
        return new BufferedReader(new InputStreamReader(System.in, Charset.defaultCharset()))
            .readLine();
      } catch (IOException e) {
        throw new CommandFailure("cannot read standard input: " + e.getMessage());
      }
    }
  }
}
