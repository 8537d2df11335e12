package org.aigrid.live.up;

import java.net.URI;
import java.nio.file.Path;
import java.util.List;
import org.jspecify.annotations.Nullable;
import tools.jackson.databind.ObjectMapper;

/// What `grid up` says when it is ready: where it answers, with which key, and lines that work as
/// they stand.
final class Welcome {
  private Welcome() {}

  /// @param key what to send; a variable such as `$GRID_KEY` when the key itself is not known
  /// @param model for the example
  /// @param certificate the gateway's own, when it speaks TLS
  /// @param notes what else a person should know, a line each
  static String text(
      String name,
      int sites,
      URI url,
      String key,
      String model,
      @Nullable Path certificate,
      List<String> notes) {
    var text = new StringBuilder();
    text.append("AI Grid \"").append(name).append("\" is up: ").append(sites);
    text.append(sites == 1 ? " site" : " sites").append(" behind ").append(url).append("\n");
    for (String note : notes) {
      text.append("  ").append(note).append('\n');
    }
    text.append("\nKey: ").append(key).append("\n\nAsk it, whole or streamed:\n\n");
    text.append(curl("curl -s", url, key, model, certificate, false)).append("\n\n");
    text.append(curl("curl -sN", url, key, model, certificate, true)).append("\n\n");
    text.append("Or: ./grid chat, ./grid sites, ./grid replay FILE. Ctrl-C ends it.\n");
    return text.toString();
  }

  static String curl(
      String command,
      URI url,
      String key,
      String model,
      @Nullable Path certificate,
      boolean stream) {
    String body =
        "{\"model\":"
            + new ObjectMapper().writeValueAsString(model)
            + ",\"messages\":[{\"role\":\"user\",\"content\":\"Good morning\"}],\"max_tokens\":64"
            + (stream ? ",\"stream\":true" : "")
            + "}";
    return command
        + (certificate == null ? "" : " --cacert " + quoted(certificate.toString()))
        + " "
        + url
        + "/v1/chat/completions -H "
        + (key.startsWith("$")
            ? "\"Authorization: Bearer " + key + "\""
            : quoted("Authorization: Bearer " + key))
        + " -H 'Content-Type: application/json' -d "
        + quoted(body);
  }

  /// For a shell: in single quotes, where only a single quote is special.
  private static String quoted(String text) {
    return "'" + text.replace("'", "'\\''") + "'";
  }
}
