package org.aigrid.live.up;

import java.io.BufferedReader;
import java.io.IOException;
import java.io.InputStreamReader;
import java.io.PrintWriter;
import java.nio.charset.Charset;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.concurrent.Callable;
import org.aigrid.live.chat.Answer;
import org.aigrid.live.chat.ChatClient;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.Parameters;
import picocli.CommandLine.Spec;

/// Asks the grid and prints the answer as it comes, then where it ran and how fast.
@Command(
    name = "chat",
    description = {
      "Asks the grid, shows the answer as it comes, then where it ran and how fast.",
      "",
      "Without words it is a conversation: one line a question, /new forgets what was said,",
      "an empty line, /quit or end of input leaves.",
      ""
    },
    mixinStandardHelpOptions = true,
    sortOptions = false)
final class ChatCommand implements Callable<Integer> {
  @Spec private @Nullable CommandSpec spec;
  @Mixin private final Target target = new Target();

  @Option(names = "--system", paramLabel = "TEXT", description = "How the model should behave.")
  private @Nullable String system;

  @Option(names = "--max-tokens", paramLabel = "N", description = "Longest answer in tokens.")
  private @Nullable Integer tokensMax;

  @Parameters(arity = "0..*", paramLabel = "WORDS", description = "One question; then it ends.")
  private List<String> words = List.of();

  @Override
  public Integer call() throws InterruptedException {
    PrintWriter out = out();
    try (var client = new ChatClient(target.url(), target.key())) {
      String model = target.model(client);
      if (!words.isEmpty()) {
        var turns = begin();
        turns.add(new ChatClient.Turn("user", String.join(" ", words)));
        return ask(client, model, turns, out) == null ? CommandFailure.EXIT_CODE : 0;
      }
      out.println("Talking to " + model + " at " + target.url() + ".");
      return converse(client, model, out);
    }
  }

  private int converse(ChatClient client, String model, PrintWriter out)
      throws InterruptedException {
    var in = new BufferedReader(new InputStreamReader(System.in, Charset.defaultCharset()));
    var turns = begin();
    while (true) {
      out.print("> ");
      out.flush();
      String line;
      try {
        line = in.readLine();
      } catch (IOException e) {
        throw new CommandFailure("cannot read the terminal: " + e.getMessage());
      }
      if (line == null || line.isBlank() || line.strip().equals("/quit")) {
        return 0;
      }
      if (line.strip().equals("/new")) {
        turns = begin();
        continue;
      }
      turns.add(new ChatClient.Turn("user", line));
      String answer = ask(client, model, turns, out);
      if (answer == null) {
        turns.removeLast();
      } else {
        turns.add(new ChatClient.Turn("assistant", answer));
      }
    }
  }

  private List<ChatClient.Turn> begin() {
    var turns = new ArrayList<ChatClient.Turn>();
    if (system != null) {
      turns.add(new ChatClient.Turn("system", system));
    }
    return turns;
  }

  private @Nullable String ask(
      ChatClient client, String model, List<ChatClient.Turn> turns, PrintWriter out)
      throws InterruptedException {
    Answer answer;
    try {
      answer =
          client.ask(
              model,
              turns,
              tokensMax,
              piece -> {
                out.print(printable(piece));
                out.flush();
              });
    } catch (IOException e) {
      throw target.unreachable(e);
    }
    return switch (answer) {
      case Answer.Complete c -> {
        out.printf(
            Locale.ROOT,
            "%n[%s (%s) | first token %.0f ms | %d tokens, %.1f/s | %.2f s]%n",
            printable(c.site()),
            printable(c.tier()),
            c.firstTokenMs(),
            c.tokens(),
            c.tokensPerSecond(),
            c.seconds());
        yield c.text();
      }
      case Answer.Refused(int status, String message) -> {
        out.flush();
        err().println("Refused with " + status + ": " + printable(message));
        yield null;
      }
      case Answer.Broken(_, String message) -> {
        out.println();
        out.flush();
        err().println("The answer broke off: " + printable(message));
        yield null;
      }
    };
  }

  /// Text from a model must not steer the terminal.
  private static String printable(String text) {
    return text.replaceAll("[\\p{Cntrl}&&[^\n\t]]", "");
  }

  private PrintWriter out() {
    return spec == null ? new PrintWriter(System.out, true) : spec.commandLine().getOut();
  }

  private PrintWriter err() {
    return spec == null ? new PrintWriter(System.err, true) : spec.commandLine().getErr();
  }
}
