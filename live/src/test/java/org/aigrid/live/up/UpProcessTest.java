package org.aigrid.live.up;

import static java.util.Objects.requireNonNull;
import static org.assertj.core.api.Assertions.assertThat;

import java.io.BufferedReader;
import java.io.InputStreamReader;
import java.net.URI;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpResponse;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.TimeUnit;
import org.aigrid.live.Main;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.condition.DisabledOnOs;
import org.junit.jupiter.api.condition.OS;
import org.junit.jupiter.api.io.TempDir;

/// `grid up` as a process of its own: what it prints works, and SIGTERM lets what runs finish.
@Timeout(120)
@DisabledOnOs(OS.WINDOWS)
class UpProcessTest {
  @TempDir Path folder;

  @Test
  void whatItPrintsWorksAndATerminationLetsAStreamFinish() throws Exception {
    Process process = up("--port", "0", "--admin-port", "0");
    try (var out =
        new BufferedReader(
            new InputStreamReader(process.getInputStream(), StandardCharsets.UTF_8))) {
      List<String> lines = readUntil(out, "Ctrl-C ends it");
      String curl = lines.stream().filter(l -> l.startsWith("curl -s ")).findFirst().orElseThrow();
      String key = between(curl, "Bearer ", "'");
      URI url = URI.create(between(curl, "curl -s ", " -H"));
      String body = curl.substring(curl.indexOf(" -d '") + 5, curl.length() - 1);
      try (var http = HttpClient.newHttpClient()) {
        assertThat(http.send(request(url, key, body), HttpResponse.BodyHandlers.ofString()).body())
            .contains("chat.completion");

        Session session = requireNonNull(Session.read(folder.resolve(".grid/up.json")));
        assertThat(session.key()).isEqualTo(key);
        assertThat(session.pid()).isEqualTo(process.pid());

        String stream = body.replace("\"max_tokens\":64", "\"max_tokens\":100,\"stream\":true");
        HttpResponse<java.io.InputStream> running =
            http.send(request(url, key, stream), HttpResponse.BodyHandlers.ofInputStream());
        CompletableFuture<Process> ended = process.onExit();
        process.destroy();
        assertThat(new String(running.body().readAllBytes(), StandardCharsets.UTF_8))
            .endsWith("data: [DONE]\n\n");
        assertThat(ended.get(30, TimeUnit.SECONDS).exitValue()).isEqualTo(143);
        assertThat(folder.resolve(".grid/up.json")).doesNotExist();
      }
    } finally {
      process.destroyForcibly();
    }
  }

  private Process up(String... arguments) throws Exception {
    var command = new ArrayList<String>();
    command.add(Path.of(System.getProperty("java.home"), "bin", "java").toString());
    command.add("--enable-native-access=ALL-UNNAMED");
    command.add("--sun-misc-unsafe-memory-access=allow");
    command.add("-Dgrid.root=" + folder);
    command.add("-cp");
    command.add(System.getProperty("java.class.path"));
    command.add(Main.class.getName());
    command.add("up");
    command.addAll(List.of(arguments));
    return new ProcessBuilder(command).redirectError(ProcessBuilder.Redirect.INHERIT).start();
  }

  private static HttpRequest request(URI url, String key, String body) {
    return HttpRequest.newBuilder(url)
        .version(HttpClient.Version.HTTP_1_1)
        .header("Authorization", "Bearer " + key)
        .header("Content-Type", "application/json")
        .POST(HttpRequest.BodyPublishers.ofString(body))
        .build();
  }

  private static List<String> readUntil(BufferedReader in, String part) throws Exception {
    var lines = new ArrayList<String>();
    for (String line = in.readLine(); line != null; line = in.readLine()) {
      lines.add(line);
      if (line.contains(part)) {
        return lines;
      }
    }
    throw new AssertionError("it ended early: " + lines);
  }

  private static String between(String text, String before, String after) {
    int from = text.indexOf(before) + before.length();
    return text.substring(from, text.indexOf(after, from));
  }
}
