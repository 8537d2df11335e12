package org.aigrid.live.http;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.stream.Stream;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.Arguments;
import org.junit.jupiter.params.provider.MethodSource;

/// What a request may not look like. Each shape goes over a raw socket, is answered with a status
/// and the API's error body, closes the connection, and never reaches the application.
class HttpStrictnessTest {
  private final EchoApplication application = new EchoApplication();
  private final HttpServer server =
      HttpServer.start(HttpSettings.DEFAULT.withThreads(1), application::handler);

  @AfterEach
  void stop() {
    server.close();
  }

  static Stream<Arguments> refused() {
    String host = "Host: x\r\n";
    return Stream.of(
        shape("no Host", 400, "GET / HTTP/1.1\r\n\r\n"),
        shape("two Hosts", 400, "GET / HTTP/1.1\r\nHost: x\r\nHost: x\r\n\r\n"),
        shape("two differing Hosts", 400, "GET / HTTP/1.1\r\nHost: x\r\nhOST: y\r\n\r\n"),
        shape("an empty Host", 400, "GET / HTTP/1.1\r\nHost: \r\n\r\n"),
        shape("a Host with a path", 400, "GET / HTTP/1.1\r\nHost: x/y\r\n\r\n"),
        shape("a Host with a space", 400, "GET / HTTP/1.1\r\nHost: x y\r\n\r\n"),
        shape("a Host with an account", 400, "GET / HTTP/1.1\r\nHost: a@x\r\n\r\n"),
        shape("a Host with a bad port", 400, "GET / HTTP/1.1\r\nHost: x:8x\r\n\r\n"),
        shape("bare LF after the request line", 400, "GET / HTTP/1.1\nHost: x\r\n\r\n"),
        shape("bare LF after a header", 400, "GET / HTTP/1.1\r\nHost: x\nA: b\r\n\r\n"),
        shape("bare LF at the end of the head", 400, "GET / HTTP/1.1\r\nHost: x\r\n\n"),
        shape("bare CR in a value", 400, "GET / HTTP/1.1\r\n" + host + "A: b\rc\r\n\r\n"),
        shape("bare CR in the target", 400, "GET /a\rb HTTP/1.1\r\n" + host + "\r\n"),
        shape("a folded header", 400, "GET / HTTP/1.1\r\n" + host + "A: b\r\n c\r\n\r\n"),
        shape("a folded header by tab", 400, "GET / HTTP/1.1\r\n" + host + "A: b\r\n\tc\r\n\r\n"),
        shape("a fold before all headers", 400, "GET / HTTP/1.1\r\n " + host + "\r\n"),
        shape("space before the colon", 400, "GET / HTTP/1.1\r\nHost : x\r\n\r\n"),
        shape("space in a name", 400, "GET / HTTP/1.1\r\n" + host + "A b: c\r\n\r\n"),
        shape("no colon", 400, "GET / HTTP/1.1\r\n" + host + "Abc\r\n\r\n"),
        shape("an empty name", 400, "GET / HTTP/1.1\r\n" + host + ": b\r\n\r\n"),
        shape("NUL in a value", 400, "GET / HTTP/1.1\r\n" + host + "A: b\0c\r\n\r\n"),
        shape("NUL in a name", 400, "GET / HTTP/1.1\r\n" + host + "A\0: b\r\n\r\n"),
        shape("vertical tab in a value", 400, "GET / HTTP/1.1\r\n" + host + "A: b\u000bc\r\n\r\n"),
        shape("DEL in a value", 400, "GET / HTTP/1.1\r\n" + host + "A: b\u007fc\r\n\r\n"),
        shape("a name beyond ASCII", 400, "GET / HTTP/1.1\r\n" + host + "\u00c4: b\r\n\r\n"),
        shape("no version", 400, "GET /\r\n" + host + "\r\n"),
        shape("a version beyond 1.1", 505, "GET / HTTP/1.2\r\n" + host + "\r\n"),
        shape("HTTP/0.9 by number", 505, "GET / HTTP/0.9\r\n" + host + "\r\n"),
        shape("another protocol", 400, "GET / HTTQ/1.1\r\n" + host + "\r\n"),
        shape("a lower-case protocol", 400, "GET / http/1.1\r\n" + host + "\r\n"),
        shape("two spaces before the target", 400, "GET  / HTTP/1.1\r\n" + host + "\r\n"),
        shape("a tab before the target", 400, "GET\t/ HTTP/1.1\r\n" + host + "\r\n"),
        shape("a space in the target", 400, "GET /a b HTTP/1.1\r\n" + host + "\r\n"),
        shape("a space behind the version", 400, "GET / HTTP/1.1 \r\n" + host + "\r\n"),
        shape("a space before the method", 400, " GET / HTTP/1.1\r\n" + host + "\r\n"),
        shape("a method that is no token", 400, "G(T / HTTP/1.1\r\n" + host + "\r\n"),
        shape("a target without a slash", 400, "GET models HTTP/1.1\r\n" + host + "\r\n"),
        shape("a target beyond ASCII", 400, "GET /\u00e4 HTTP/1.1\r\n" + host + "\r\n"),
        shape("a target with a fragment", 400, "GET /a#b HTTP/1.1\r\n" + host + "\r\n"),
        shape("an authority as target", 400, "GET x:80 HTTP/1.1\r\n" + host + "\r\n"),
        shape(
            "length and chunks",
            400,
            post("Content-Length: 3\r\nTransfer-Encoding: chunked\r\n") + "0\r\n\r\n"),
        shape(
            "chunks and length",
            400,
            post("Transfer-Encoding: chunked\r\nContent-Length: 3\r\n") + "0\r\n\r\n"),
        shape("two lengths", 400, post("Content-Length: 3\r\nContent-Length: 4\r\n") + "abcd"),
        shape("the length twice", 400, post("Content-Length: 3\r\nContent-Length: 3\r\n") + "abc"),
        shape("a list of lengths", 400, post("Content-Length: 3, 3\r\n") + "abc"),
        shape("a negative length", 400, post("Content-Length: -1\r\n")),
        shape("a signed length", 400, post("Content-Length: +3\r\n") + "abc"),
        shape("a hexadecimal length", 400, post("Content-Length: 0x3\r\n") + "abc"),
        shape("an empty length", 400, post("Content-Length: \r\n")),
        shape("a length beyond long", 400, post("Content-Length: 99999999999999999999\r\n")),
        shape("gzip as transfer coding", 400, post("Transfer-Encoding: gzip\r\n")),
        shape("identity as transfer coding", 400, post("Transfer-Encoding: identity\r\n")),
        shape("gzip and chunked", 400, post("Transfer-Encoding: gzip, chunked\r\n")),
        shape("chunked with a prefix", 400, post("Transfer-Encoding: xchunked\r\n")),
        shape("chunked with a control", 400, post("Transfer-Encoding: \u000bchunked\r\n")),
        shape(
            "chunked twice",
            400,
            post("Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked\r\n") + "0\r\n\r\n"),
        shape(
            "chunks in HTTP/1.0",
            400,
            "POST / HTTP/1.0\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n"),
        shape("a chunk size that is no number", 400, chunks("xyz\r\n")),
        shape("an empty chunk size", 400, chunks("\r\nabc\r\n0\r\n\r\n")),
        shape("a negative chunk size", 400, chunks("-1\r\n")),
        shape("a chunk size beyond int", 400, chunks("fffffffff\r\n")),
        shape("a chunk size with 0x", 400, chunks("0x3\r\nabc\r\n0\r\n\r\n")),
        shape("a chunk size ending in bare LF", 400, chunks("3\nabc\r\n0\r\n\r\n")),
        shape("a chunk longer than its size", 400, chunks("3\r\nabcd\r\n0\r\n\r\n")),
        shape("a chunk ending in bare LF", 400, chunks("3\r\nabc\n0\r\n\r\n")),
        shape("a long target", 414, "GET /" + "a".repeat(20_000) + " HTTP/1.1\r\n" + host + "\r\n"),
        shape(
            "a long header",
            431,
            "GET / HTTP/1.1\r\n" + host + "A: " + "a".repeat(70_000) + "\r\n\r\n"),
        shape(
            "many headers", 431, "GET / HTTP/1.1\r\n" + host + "A: b\r\n".repeat(12_000) + "\r\n"),
        shape(
            "a head that does not end",
            431,
            "GET / HTTP/1.1\r\n" + host + "A: b\r\n".repeat(12_000)));
  }

  private static Arguments shape(String name, int status, String bytes) {
    return Arguments.of(name, status, bytes);
  }

  private static String post(String framing) {
    return "POST / HTTP/1.1\r\nHost: x\r\n" + framing + "\r\n";
  }

  private static String chunks(String chunks) {
    return post("Transfer-Encoding: chunked\r\n") + chunks;
  }

  @ParameterizedTest(name = "{0}: {1}")
  @MethodSource("refused")
  void refuses(String name, int status, String bytes) throws Exception {
    try (var client = new RawClient(server.port())) {
      client.send(bytes);
      String said = client.untilClosed(3_000);

      assertThat(said).startsWith("HTTP/1.1 " + status + " ");
      assertThat(said)
          .contains("{\"error\":{\"message\":\"", "\"type\":\"invalid_request_error\"")
          .containsIgnoringCase("connection: close")
          .containsIgnoringCase("x-should-retry: false");
      assertThat(said.split("HTTP/1\\.1 ", -1)).as("one answer").hasSize(2);
      assertThat(application.seen).as("what reached the application").isEmpty();
    }
  }

  @Test
  void aRequestHiddenBehindARefusedOneIsNotRead() throws Exception {
    try (var client = new RawClient(server.port())) {
      client.send(
          post("Content-Length: 3\r\nTransfer-Encoding: chunked\r\n")
              + "0\r\n\r\nGET /hidden HTTP/1.1\r\nHost: x\r\n\r\n");
      client.untilClosed(3_000);
      assertThat(application.seen).isEmpty();
    }
  }

  @Test
  void understandsWhatIsUnusualButRight() throws Exception {
    try (var client = new RawClient(server.port())) {
      assertThat(client.send("GET /a?b=%20c HTTP/1.1\r\nhOsT:x:80\r\n\r\n").answer())
          .contains("GET /a?b=%20c ");
      assertThat(
              client
                  .send("\r\nGET /after-an-empty-line HTTP/1.1\r\nHost: [::1]:80\r\n\r\n")
                  .answer())
          .contains("GET /after-an-empty-line");
      assertThat(client.send("GET http://y/absolute HTTP/1.1\r\nHost: y\r\n\r\n").answer())
          .contains("/absolute");
      assertThat(
              client
                  .send(
                      post("Transfer-Encoding: Chunked\r\n")
                          + "3;x=y\r\nabc\r\nA\r\n0123456789\r\n0\r\nTrailer: z\r\n\r\n")
                  .answer())
          .contains("POST / abc0123456789");
      assertThat(client.send(post("Content-Length: 03\r\n") + "abc").answer())
          .contains("POST / abc");
    }
  }

  @Test
  void aHeadMayComeByteForByte() throws Exception {
    try (var client = new RawClient(server.port())) {
      for (char c : (post("Content-Length: 3\r\n") + "abc").toCharArray()) {
        client.send(String.valueOf(c));
      }
      assertThat(client.answer()).contains("POST / abc");
    }
  }
}
