package org.aigrid.live.drill;

import static org.assertj.core.api.Assertions.assertThat;

import com.sun.net.httpserver.HttpServer;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.net.URI;
import java.nio.charset.StandardCharsets;
import java.util.List;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.Executors;
import java.util.concurrent.atomic.AtomicInteger;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

/// What a drill makes of a grid's answers.
@Timeout(60)
class DrillTest {
  private static final String ANSWER =
      "data: {\"id\":\"c\",\"choices\":[{\"delta\":{\"content\":\"x\"},\"finish_reason\":\"stop\"}]}\n\n"
          + "data: {\"choices\":[],\"id\":\"c\",\"usage\":{\"prompt_tokens\":1,\"completion_tokens\":1}}\n\n"
          + "data: [DONE]\n\n";

  @Test
  void eachStreamThatHangsIsAFaultAndEachRefusalCounts() throws Exception {
    var asked = new AtomicInteger();
    var end = new CountDownLatch(1);
    HttpServer server =
        HttpServer.create(new InetSocketAddress(InetAddress.getLoopbackAddress(), 0), 0);
    server.setExecutor(Executors.newVirtualThreadPerTaskExecutor());
    server.createContext(
        "/",
        exchange -> {
          int number = asked.incrementAndGet(); // 1 is left alone, then 3 hang and 2 are refused
          exchange.sendResponseHeaders(number == 5 || number == 6 ? 503 : 200, 0);
          byte[] all = ANSWER.getBytes(StandardCharsets.UTF_8);
          exchange.getResponseBody().write(all, 0, number >= 2 && number <= 4 ? 60 : all.length);
          exchange.getResponseBody().flush();
          try {
            if (number >= 2 && number <= 4) {
              end.await();
            }
          } catch (InterruptedException e) {
            throw new AssertionError(e);
          }
          exchange.close();
        });
    server.start();
    var url = URI.create("http://127.0.0.1:" + server.getAddress().getPort());
    try (var drill =
        new Drill(
            new Drill.Settings(
                url, null, "m", List.of(), DrillPlan.steady(1, 1, 1, 10, 1), 100, 1, 2))) {
      drill.askUndisturbed();
      drill.run();
      assertThat(drill.streams()).hasSize(8);
      assertThat(drill.streams())
          .filteredOn(stream -> stream.fault() != null)
          .hasSize(3)
          .allMatch(stream -> "never ended".equals(stream.fault()));
      assertThat(drill.refusals()).containsEntry("status 503", 2);
    } finally {
      end.countDown();
      server.stop(0);
    }
  }
}
