package org.aigrid.live.trace;

import java.io.BufferedInputStream;
import java.io.BufferedReader;
import java.io.IOException;
import java.io.InputStream;
import java.io.InputStreamReader;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.zip.GZIPInputStream;
import org.jspecify.annotations.Nullable;

/// The lines of a text file, numbered from 1. Takes LF and CR LF, drops a byte order mark, opens
/// `.gz`. One thread.
final class TraceLines implements AutoCloseable {
  /// A longer line is no row of any trace we know.
  static final int LINE_CHARS_MAX = 4 << 20;

  private final String file;
  private final BufferedReader reader;
  private long line;

  TraceLines(Path path) throws IOException {
    file = path.toString();
    InputStream in = new BufferedInputStream(Files.newInputStream(path), 1 << 16);
    if (file.endsWith(".gz")) {
      in = new GZIPInputStream(in, 1 << 16);
    }
    reader = new BufferedReader(new InputStreamReader(in, StandardCharsets.UTF_8), 1 << 16);
  }

  /// The next line that is not blank, or null at the end.
  @Nullable String next() throws IOException, TraceException {
    while (true) {
      String text = bounded();
      if (text == null) {
        return null;
      }
      line++;
      if (line == 1 && text.startsWith("\uFEFF")) {
        text = text.substring(1);
      }
      if (!text.isBlank()) {
        return text;
      }
    }
  }

  private @Nullable String bounded() throws IOException, TraceException {
    var text = new StringBuilder();
    int c;
    while ((c = reader.read()) >= 0) {
      if (c == '\n') {
        return stripped(text);
      }
      if (text.length() == LINE_CHARS_MAX) {
        line++;
        throw problem("line is longer than " + LINE_CHARS_MAX + " characters");
      }
      text.append((char) c);
    }
    return text.isEmpty() ? null : stripped(text);
  }

  private static String stripped(StringBuilder text) {
    int length = text.length();
    return length > 0 && text.charAt(length - 1) == '\r'
        ? text.substring(0, length - 1)
        : text.toString();
  }

  /// A problem with the line that `next` gave last.
  TraceException problem(String message) {
    return new TraceException(file, line, message);
  }

  @Override
  public void close() throws IOException {
    reader.close();
  }
}
