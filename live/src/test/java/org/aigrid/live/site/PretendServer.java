package org.aigrid.live.site;

import static java.nio.charset.StandardCharsets.UTF_8;

import com.sun.net.httpserver.HttpExchange;
import com.sun.net.httpserver.HttpServer;
import java.io.IOException;
import java.io.OutputStream;
import java.net.InetSocketAddress;
import java.net.URI;
import java.util.List;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.atomic.AtomicInteger;
import org.jspecify.annotations.Nullable;

/// A server of the OpenAI API that does as a test tells it, over real sockets.
public final class PretendServer implements AutoCloseable {
  /// What it does with a request.
  public interface Script {
    void answer(Call call) throws IOException;
  }

  /// One request.
  public record Call(HttpExchange exchange, String path, String body) {
    /// Answers whole.
    public void whole(int status, String type, String text) throws IOException {
      byte[] bytes = text.getBytes(UTF_8);
      exchange.getResponseHeaders().set("content-type", type);
      exchange.sendResponseHeaders(status, bytes.length == 0 ? -1 : bytes.length);
      exchange.getResponseBody().write(bytes);
      exchange.close();
    }

    /// Begins a stream.
    public OutputStream stream() throws IOException {
      exchange.getResponseHeaders().set("content-type", "text/event-stream; charset=utf-8");
      exchange.sendResponseHeaders(200, 0);
      return exchange.getResponseBody();
    }

    /// One frame of a stream.
    public static void frame(OutputStream out, String data) throws IOException {
      out.write(("data: " + data + "\n\n").getBytes(UTF_8));
      out.flush();
    }
  }

  public final List<Call> calls = new CopyOnWriteArrayList<>();

  /// Streams whose reader went away.
  public final AtomicInteger gone = new AtomicInteger();

  private final ExecutorService threads = Executors.newVirtualThreadPerTaskExecutor();
  private final HttpServer server;
  private volatile String metrics = "";
  private volatile @Nullable Script metricsScript;
  private volatile Script script;

  public PretendServer(Script first) throws IOException {
    script = first;
    server = HttpServer.create(new InetSocketAddress("127.0.0.1", 0), 1_024);
    server.setExecutor(threads);
    server.createContext("/", this::handle);
    server.start();
  }

  public URI url() {
    return URI.create("http://127.0.0.1:" + server.getAddress().getPort() + "/v1/");
  }

  /// From now on.
  public void does(Script next) {
    script = next;
  }

  /// What `/metrics` says; empty is 404.
  public void metrics(String text) {
    metrics = text;
  }

  /// What it does with a question for `/metrics` instead; null for what it usually does.
  public void metricsDo(@Nullable Script next) {
    metricsScript = next;
  }

  private void handle(HttpExchange exchange) throws IOException {
    String path = exchange.getRequestURI().getPath();
    var call =
        new Call(exchange, path, new String(exchange.getRequestBody().readAllBytes(), UTF_8));
    try {
      switch (path) {
        case "/metrics" -> {
          Script own = metricsScript;
          if (own == null) {
            call.whole(metrics.isEmpty() ? 404 : 200, "text/plain", metrics);
          } else {
            own.answer(call);
          }
        }
        case "/v1/models" ->
            call.whole(
                200,
                "application/json",
                "{\"object\":\"list\",\"data\":[{\"id\":\"shared\",\"object\":\"model\"}]}");
        default -> {
          calls.add(call);
          script.answer(call);
        }
      }
    } catch (IOException e) {
      gone.incrementAndGet();
      exchange.close();
    }
  }

  /// Ends as a killed process does.
  @Override
  public void close() {
    server.stop(0);
    threads.shutdownNow();
  }
}
