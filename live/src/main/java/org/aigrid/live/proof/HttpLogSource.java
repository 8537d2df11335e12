package org.aigrid.live.proof;

import java.io.IOException;
import java.net.URI;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpResponse;
import java.net.http.HttpResponse.BodyHandlers;
import java.time.Duration;
import org.aigrid.live.tlog.SignedNote;
import org.aigrid.live.tlog.Tile;
import org.aigrid.live.tlog.Tiles;
import org.jspecify.annotations.Nullable;

/// Reads a log where it is served. Follows no redirects; an answer has at most the bytes of a full
/// bundle of the largest entries (16 MiB), a checkpoint those of a note. Thread-safe, blocking.
public final class HttpLogSource implements LogSource, AutoCloseable {
  private static final Duration TIMEOUT = Duration.ofSeconds(30);
  private static final long BUNDLE_BYTES_MAX = (long) Tile.WIDTH * (2 + Tiles.ENTRY_BYTES_MAX);

  private final URI base;
  private final HttpClient http =
      HttpClient.newBuilder()
          .version(HttpClient.Version.HTTP_1_1)
          .connectTimeout(TIMEOUT)
          .followRedirects(HttpClient.Redirect.NEVER)
          .build();

  /// @param url https, or http on this machine; the log's prefix, before `/checkpoint`
  public HttpLogSource(String url) {
    base = SafeUrls.check(url);
  }

  @Override
  public byte @Nullable [] read(String path) throws IOException {
    long max = path.equals("checkpoint") ? SignedNote.BYTES_MAX : BUNDLE_BYTES_MAX;
    HttpRequest request =
        HttpRequest.newBuilder(URI.create(base + "/" + path)).timeout(TIMEOUT).build();
    try {
      HttpResponse<byte[]> response =
          http.send(request, BodyHandlers.limiting(BodyHandlers.ofByteArray(), max));
      return switch (response.statusCode()) {
        case 200 -> response.body();
        case 404 -> null;
        default ->
            throw new IOException(
                request.uri() + " answered " + response.statusCode() + " (expected: 200 or 404)");
      };
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
      throw new IOException("interrupted while reading " + request.uri(), e);
    }
  }

  @Override
  public void close() {
    http.close();
  }
}
