package org.aigrid.live.up;

import java.io.IOException;
import java.net.URI;
import java.util.List;
import org.aigrid.live.chat.ChatClient;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Option;

/// Options that say which grid a command talks to.
final class Target {
  @Option(
      names = "--url",
      paramLabel = "URL",
      description =
          "The grid, or any OpenAI-compatible server. Default: the grid that was started last"
              + " from this folder, else http://127.0.0.1:8080.")
  private @Nullable URI url;

  @Option(
      names = "--key",
      paramLabel = "SECRET",
      description = "API key. Default: $GRID_KEY, else the key that ./grid up generated.")
  private @Nullable String key;

  @Option(
      names = "--model",
      paramLabel = "NAME",
      description = "Which model to ask. Default: the first that the server lists.")
  private @Nullable String model;

  private @Nullable Session session() {
    return Session.read(Session.file());
  }

  URI url() {
    if (url != null) {
      if (url.getHost() == null || !List.of("http", "https").contains(url.getScheme())) {
        throw new CommandFailure(
            "--url " + url + " is no address of a server (expected: http://host:port)");
      }
      return url;
    }
    Session session = session();
    return session != null ? session.url() : URI.create("http://127.0.0.1:8080");
  }

  @Nullable String key() {
    if (key != null) {
      return key;
    }
    String fromEnvironment = System.getenv("GRID_KEY");
    if (fromEnvironment != null && !fromEnvironment.isBlank()) {
      return fromEnvironment;
    }
    Session session = session();
    // The generated key is for that grid and nobody else.
    return session != null && session.url().equals(url()) ? session.key() : null;
  }

  /// The model asked for, or the first that the server lists.
  String model(ChatClient client) throws InterruptedException {
    try {
      List<String> models = client.models();
      if (model != null) {
        return model;
      }
      if (models.isEmpty()) {
        throw new CommandFailure(url() + " lists no model (expected: one or more; is a site up?)");
      }
      return models.getFirst();
    } catch (IOException e) {
      throw unreachable(e);
    }
  }

  CommandFailure unreachable(IOException e) {
    String reason = e.getMessage();
    if (e instanceof java.net.ConnectException || e instanceof java.net.http.HttpTimeoutException) {
      reason = "nobody listens there. Start it with ./grid up, or say where it is with --url";
    }
    return new CommandFailure("cannot talk to " + url() + ": " + reason + ".");
  }
}
