package org.aigrid.live.gateway;

import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/// One line of JSON per request on the logger `access`. Never prompt or answer text.
final class AccessLog {
  private static final Logger LOG = LoggerFactory.getLogger("access");

  private AccessLog() {}

  static void write(
      String requestId,
      @Nullable String clientRequestId,
      @Nullable KeyEntry key,
      String path,
      @Nullable String model,
      int status,
      String outcome,
      @Nullable String site,
      int attempts,
      long durationMs,
      long firstTokenMs,
      int promptTokens,
      int completionTokens) {
    if (!LOG.isInfoEnabled()) {
      return;
    }
    var line = new StringBuilder(320);
    line.append("{\"request\":\"").append(requestId).append('"');
    text(line, "client_request", clientRequestId);
    text(line, "key", key == null ? null : key.id());
    text(line, "tenant", key == null ? null : key.tenant());
    text(line, "path", path);
    text(line, "model", model);
    line.append(",\"status\":").append(status);
    text(line, "outcome", outcome);
    text(line, "site", site);
    line.append(",\"attempts\":")
        .append(attempts)
        .append(",\"duration_ms\":")
        .append(durationMs)
        .append(",\"first_token_ms\":")
        .append(firstTokenMs)
        .append(",\"prompt_tokens\":")
        .append(promptTokens)
        .append(",\"completion_tokens\":")
        .append(completionTokens)
        .append('}');
    LOG.info(line.toString());
  }

  private static void text(StringBuilder line, String name, @Nullable String value) {
    if (value == null) {
      return;
    }
    line.append(",\"").append(name).append("\":\"");
    for (int i = 0; i < Math.min(value.length(), 512); i++) {
      char c = value.charAt(i);
      if (c == '"' || c == '\\') {
        line.append('\\').append(c);
      } else {
        line.append(c < 0x20 || c == 0x7f ? '?' : c);
      }
    }
    line.append('"');
  }
}
