package org.aigrid.live.up;

import java.io.IOException;
import java.io.PrintWriter;
import java.net.URI;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpResponse;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Option;
import tools.jackson.core.JacksonException;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.ObjectMapper;
import tools.jackson.databind.node.ObjectNode;

/// How commands about tenants, keys and usage talk to the admin endpoint of a running grid.
final class AdminCall {
  private static final Duration TIMEOUT = Duration.ofSeconds(30);
  private static final ObjectMapper JSON = new ObjectMapper();

  @Option(
      names = "--admin-port",
      paramLabel = "PORT",
      description = "Loopback port of the admin endpoint. Default: the session's.")
  private @Nullable Integer port;

  @Option(names = "--json", description = "Print the answer as JSON.")
  private boolean json;

  static ObjectNode body() {
    return JSON.createObjectNode();
  }

  /// The admin token: of the environment, else of the grid that was started last from this folder,
  /// if it listens on that port: nobody else is shown its token.
  static String token(int port) {
    String given = System.getenv("GRID_ADMIN_TOKEN");
    if (given != null && !given.isBlank()) {
      return given;
    }
    Session session = Session.read(Session.file());
    return session == null || session.adminPort() != port || session.adminToken() == null
        ? "1"
        : session.adminToken();
  }

  /// Gives an order and prints what came of it.
  void print(String order, ObjectNode body, PrintWriter out) throws InterruptedException {
    String answer = exchange(SitesCommand.port(port), "/books/" + order, body.toString());
    if (json) {
      out.println(answer);
      out.flush();
      return;
    }
    JsonNode root = JSON.readTree(answer);
    if (root.has("text")) {
      String text = root.path("text").asString("");
      out.print(text.endsWith("\n") ? text : text + "\n");
    } else {
      List<List<String>> lines = new ArrayList<>();
      lines.add(cells(root.path("columns")));
      root.path("rows").valueStream().forEach(row -> lines.add(cells(row)));
      aligned(lines).forEach(out::println);
    }
    out.flush();
  }

  private static List<String> cells(JsonNode row) {
    return row.valueStream().map(cell -> cell.asString("").replaceAll("\\p{Cntrl}+", " ")).toList();
  }

  /// Lines with their columns below each other; numbers to the right.
  static List<String> aligned(List<List<String>> lines) {
    int columns = lines.getFirst().size();
    var widths = new int[columns];
    var numbers = new boolean[columns];
    for (int c = 0; c < columns; c++) {
      numbers[c] = lines.size() > 1;
      for (int i = 0; i < lines.size(); i++) {
        String cell = lines.get(i).get(c);
        widths[c] = Math.max(widths[c], cell.length());
        numbers[c] &= i == 0 || cell.matches("-?[0-9][0-9.,]*");
      }
    }
    var out = new ArrayList<String>();
    for (List<String> line : lines) {
      var text = new StringBuilder();
      for (int c = 0; c < columns; c++) {
        String pad = " ".repeat(widths[c] - line.get(c).length());
        text.append(numbers[c] ? pad + line.get(c) : line.get(c) + pad).append("  ");
      }
      out.add(text.toString().stripTrailing());
    }
    return out;
  }

  /// Asks the admin endpoint on that port.
  ///
  /// @param path such as `/sites`
  /// @param body null for a question, else what is sent with an order
  static String exchange(int port, String path, @Nullable String body) throws InterruptedException {
    URI uri;
    try {
      uri = URI.create("http://127.0.0.1:" + port + path);
    } catch (IllegalArgumentException e) {
      throw new CommandFailure("a site id has letters, digits, '.', '_' and '-' only");
    }
    HttpRequest.Builder request =
        HttpRequest.newBuilder(uri)
            .header(AdminServer.HEADER, token(port))
            .header(AdminServer.USER_HEADER, System.getProperty("user.name", "unknown"))
            .timeout(TIMEOUT);
    if (body != null) {
      request
          .header("Content-Type", "application/json")
          .POST(HttpRequest.BodyPublishers.ofString(body));
    }
    try (HttpClient http = HttpClient.newBuilder().version(HttpClient.Version.HTTP_1_1).build()) {
      HttpResponse<String> response =
          http.send(request.build(), HttpResponse.BodyHandlers.ofString());
      if (response.statusCode() != 200) {
        throw new CommandFailure(
            JSON.readTree(response.body())
                .path("error")
                .path("message")
                .asString("the admin endpoint answered " + response.statusCode()));
      }
      return response.body();
    } catch (IOException e) {
      throw new CommandFailure(
          "no grid answers on admin port "
              + port
              + ". Start one with ./grid up, or say where it is with --admin-port.");
    } catch (JacksonException e) {
      throw new CommandFailure(
          "what answers on port " + port + " is no admin endpoint of a grid (expected: JSON)");
    }
  }
}
