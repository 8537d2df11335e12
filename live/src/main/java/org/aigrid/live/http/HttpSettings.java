package org.aigrid.live.http;

import java.nio.file.Path;
import org.jspecify.annotations.Nullable;

/// Where a server listens and what it puts up with. Every bound has a name and an answer.
/// Immutable.
///
/// @param host address to bind
/// @param port port to bind, 0 for any free one
/// @param threads event loops
/// @param certificateChain PEM file; with `privateKey` the server speaks TLS
/// @param privateKey PEM file, PKCS #8
/// @param headBytesMax request line and headers together; beyond: 431
/// @param requestLineBytesMax request line alone; beyond: 414
/// @param bodyBytesMax one body; beyond: 413
/// @param bodyBytesTotalMax bodies of all requests together; beyond: 503
/// @param connectionsMax open connections; beyond: closed at once
/// @param requestMsMax from the first byte of a request to its last; beyond: 408
/// @param idleMsMax an idle keep-alive connection; beyond: closed
/// @param pipelinedMax HTTP/1.1 requests read ahead on a connection; beyond: it is not read until
///   one is answered
/// @param streamsMax concurrent HTTP/2 streams of a connection
public record HttpSettings(
    String host,
    int port,
    int threads,
    @Nullable Path certificateChain,
    @Nullable Path privateKey,
    int headBytesMax,
    int requestLineBytesMax,
    int bodyBytesMax,
    long bodyBytesTotalMax,
    int connectionsMax,
    int requestMsMax,
    int idleMsMax,
    int pipelinedMax,
    int streamsMax) {
  /// Loopback, any port, no TLS, the usual bounds.
  public static final HttpSettings DEFAULT =
      new HttpSettings(
          "127.0.0.1",
          0,
          Math.max(1, Runtime.getRuntime().availableProcessors()),
          null,
          null,
          64 << 10,
          8 << 10,
          32 << 20,
          1L << 30,
          60_000,
          30_000,
          120_000,
          16,
          256);

  public HttpSettings {
    if (port < 0 || port > 65_535) {
      throw new IllegalArgumentException("port: " + port + " (expected: 0 to 65535)");
    }
    if ((certificateChain == null) != (privateKey == null)) {
      throw new IllegalArgumentException(
          "certificateChain "
              + certificateChain
              + ", privateKey "
              + privateKey
              + " (expected: both or neither)");
    }
    if (threads < 1
        || headBytesMax < 1_024
        || requestLineBytesMax < 64
        || bodyBytesMax < 1
        || bodyBytesTotalMax < bodyBytesMax
        || connectionsMax < 1
        || requestMsMax < 1
        || idleMsMax < 1
        || pipelinedMax < 1
        || streamsMax < 1) {
      throw new IllegalArgumentException(
          "HTTP bounds: threads "
              + threads
              + ", headBytesMax "
              + headBytesMax
              + ", requestLineBytesMax "
              + requestLineBytesMax
              + ", bodyBytesMax "
              + bodyBytesMax
              + ", bodyBytesTotalMax "
              + bodyBytesTotalMax
              + ", connectionsMax "
              + connectionsMax
              + ", requestMsMax "
              + requestMsMax
              + ", idleMsMax "
              + idleMsMax
              + ", pipelinedMax "
              + pipelinedMax
              + ", streamsMax "
              + streamsMax
              + " (expected: 1 or more each, heads at least 1024, total at least one body)");
    }
  }

  /// These settings at another address.
  public HttpSettings at(String newHost, int newPort) {
    return new HttpSettings(
        newHost,
        newPort,
        threads,
        certificateChain,
        privateKey,
        headBytesMax,
        requestLineBytesMax,
        bodyBytesMax,
        bodyBytesTotalMax,
        connectionsMax,
        requestMsMax,
        idleMsMax,
        pipelinedMax,
        streamsMax);
  }

  /// These settings with another number of event loops.
  public HttpSettings withThreads(int newThreads) {
    return new HttpSettings(
        host,
        port,
        newThreads,
        certificateChain,
        privateKey,
        headBytesMax,
        requestLineBytesMax,
        bodyBytesMax,
        bodyBytesTotalMax,
        connectionsMax,
        requestMsMax,
        idleMsMax,
        pipelinedMax,
        streamsMax);
  }

  /// These settings with TLS.
  public HttpSettings withTls(Path newCertificateChain, Path newPrivateKey) {
    return new HttpSettings(
        host,
        port,
        threads,
        newCertificateChain,
        newPrivateKey,
        headBytesMax,
        requestLineBytesMax,
        bodyBytesMax,
        bodyBytesTotalMax,
        connectionsMax,
        requestMsMax,
        idleMsMax,
        pipelinedMax,
        streamsMax);
  }

  /// These settings with other bounds on bodies and time, for tests of the bounds.
  public HttpSettings withBounds(
      int newBodyBytesMax, long newBodyBytesTotalMax, int newRequestMsMax) {
    return new HttpSettings(
        host,
        port,
        threads,
        certificateChain,
        privateKey,
        headBytesMax,
        requestLineBytesMax,
        newBodyBytesMax,
        newBodyBytesTotalMax,
        connectionsMax,
        newRequestMsMax,
        idleMsMax,
        pipelinedMax,
        streamsMax);
  }
}
