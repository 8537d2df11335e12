package org.aigrid.live.replay;

import java.io.BufferedInputStream;
import java.io.BufferedOutputStream;
import java.io.IOException;
import java.io.InputStream;
import java.io.OutputStream;
import java.io.UncheckedIOException;
import java.net.InetAddress;
import java.net.ServerSocket;
import java.net.Socket;
import java.net.URI;
import java.nio.charset.StandardCharsets;
import java.util.List;
import java.util.Locale;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.concurrent.atomic.AtomicInteger;
import org.jspecify.annotations.Nullable;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.ObjectMapper;

/// A server of the chat endpoint for tests of clients: plain sockets, one virtual thread a
/// connection, keep-alive, answers as the test's script says.
public final class PretendGrid implements AutoCloseable {
  /// What to do with one request, numbered from 0.
  public interface Script {
    void answer(int number, JsonNode body, Reply reply) throws IOException, InterruptedException;
  }

  /// How a script answers.
  public static final class Reply {
    private final OutputStream out;
    private boolean closeAfter;

    private Reply(OutputStream out) {
      this.out = out;
    }

    /// A whole answer of `tokens` frames.
    public void stream(int tokens, String site, String tier) throws IOException {
      begin(site, tier);
      for (int i = 0; i < tokens; i++) {
        frame("data: {\"choices\":[{\"delta\":{\"content\":\"t" + i + " \"}}]}\n\n");
      }
      frame(
          "data: {\"choices\":[],\"usage\":{\"prompt_tokens\":7,\"completion_tokens\":"
              + tokens
              + "}}\n\n");
      frame("data: [DONE]\n\n");
      end();
    }

    public void begin(String site, String tier) throws IOException {
      write(
          "HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\nTransfer-Encoding: chunked\r\n"
              + "X-Grid-Site: "
              + site
              + "\r\nX-Grid-Tier: "
              + tier
              + "\r\n\r\n");
    }

    public void frame(String frame) throws IOException {
      write(Integer.toHexString(frame.length()) + "\r\n" + frame + "\r\n");
      out.flush();
    }

    public void end() throws IOException {
      write("0\r\n\r\n");
    }

    public void json(int status, String body) throws IOException {
      write("HTTP/1.1 " + status + " x\r\nContent-Length: " + body.length() + "\r\n\r\n" + body);
    }

    /// Closes the connection behind this answer without saying so.
    public void closeAfter() {
      closeAfter = true;
    }

    private void write(String text) throws IOException {
      out.write(text.getBytes(StandardCharsets.ISO_8859_1));
    }
  }

  private final ServerSocket server;
  private final Script script;
  private final AtomicInteger requests = new AtomicInteger();
  private final AtomicInteger connections = new AtomicInteger();
  private final List<String> prompts = new CopyOnWriteArrayList<>();

  public PretendGrid(Script script) throws IOException {
    this.script = script;
    server = new ServerSocket(0, 1_000, InetAddress.getLoopbackAddress());
    Thread.ofVirtual().start(this::acceptForever);
  }

  public URI url() {
    return URI.create("http://127.0.0.1:" + server.getLocalPort());
  }

  public int connections() {
    return connections.get();
  }

  /// Prompts in order of arrival.
  public List<String> prompts() {
    return prompts;
  }

  private void acceptForever() {
    try {
      while (true) {
        Socket socket = server.accept();
        connections.incrementAndGet();
        Thread.ofVirtual().start(() -> serve(socket));
      }
    } catch (IOException e) {
      // Closed: the test is over.
    }
  }

  private void serve(Socket socket) {
    try (socket;
        InputStream in = new BufferedInputStream(socket.getInputStream());
        OutputStream out = new BufferedOutputStream(socket.getOutputStream())) {
      while (true) {
        String line = line(in);
        if (line == null) {
          return;
        }
        boolean models = line.startsWith("GET /v1/models");
        int length = 0;
        for (String header = line(in); header != null && !header.isEmpty(); header = line(in)) {
          if (header.toLowerCase(Locale.ROOT).startsWith("content-length:")) {
            length = Integer.parseInt(header.substring(15).strip());
          }
        }
        byte[] body = in.readNBytes(length);
        var reply = new Reply(out);
        if (models) {
          reply.json(200, "{\"data\":[{\"id\":\"pretend\"}]}");
        } else {
          JsonNode json = new ObjectMapper().readTree(body);
          prompts.add(json.path("messages").path(0).path("content").asString(""));
          script.answer(requests.getAndIncrement(), json, reply);
        }
        out.flush();
        if (reply.closeAfter) {
          return;
        }
      }
    } catch (IOException e) {
      // The client left: some tests want that.
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
    }
  }

  private static @Nullable String line(InputStream in) throws IOException {
    var text = new StringBuilder();
    int c;
    while ((c = in.read()) >= 0) {
      if (c == '\n') {
        return text.toString();
      }
      if (c != '\r') {
        text.append((char) c);
      }
    }
    return null;
  }

  @Override
  public void close() {
    try {
      server.close();
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }
}
