package org.aigrid.live.radio;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.within;

import com.sun.net.httpserver.HttpServer;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.net.URI;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.Executors;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.concurrent.atomic.AtomicReference;
import java.util.function.BooleanSupplier;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

@Timeout(30)
class RadioTest {
  @TempDir Path folder;

  @Test
  void aRecordingIsReplayedAgainAndAgain() throws Exception {
    Path file = folder.resolve("load.csv");
    Files.writeString(file, "seconds,share\n# two minutes apart\n0,0.1\n120,0.5\n240,0.3\n");
    RecordedRadio radio = RecordedRadio.read(file);
    assertThat(radio.demand(1_000)).isEqualTo(0.1);
    assertThat(radio.demand(120_999)).isEqualTo(0.1);
    assertThat(radio.demand(121_000)).isEqualTo(0.5);
    assertThat(radio.demand(241_000)).isEqualTo(0.3);
    assertThat(radio.demand(361_000)).as("from the beginning").isEqualTo(0.1);
  }

  @Test
  void aBadRecordingIsRefusedWithItsLine() throws Exception {
    for (Map.Entry<String, String> wrong :
        Map.of(
                "0,0.1\n5,1.7\n", ":2: the line has the share 1.7",
                "0,0.1\n0,0.2\n", ":2: the line goes back in time",
                "0,0.1\nlater,much\n", ":2: the line is 'later,much'",
                "", "none had a load")
            .entrySet()) {
      Path file = folder.resolve("bad.csv");
      Files.writeString(file, wrong.getKey());
      assertThatThrownBy(() -> RecordedRadio.read(file))
          .hasMessageContaining(wrong.getValue())
          .hasMessageContaining("expected");
    }
  }

  @Test
  void aGaugeIsReadSummedAndForgottenWhenItsPageFallsSilent() throws Exception {
    var page = new AtomicReference<>("");
    HttpServer server =
        HttpServer.create(new InetSocketAddress(InetAddress.getLoopbackAddress(), 0), 0);
    server.createContext(
        "/metrics",
        exchange -> {
          byte[] body = page.get().getBytes(StandardCharsets.UTF_8);
          exchange.sendResponseHeaders(200, body.length);
          exchange.getResponseBody().write(body);
          exchange.close();
        });
    server.start();
    var url = URI.create("http://127.0.0.1:" + server.getAddress().getPort() + "/metrics");
    try (var radio =
        new MeasuredRadio(new MeasuredRadio.Settings(url, "du_prb", "cell=\"7\"", 273, 20))) {
      assertThat(radio.demand(0)).isNaN();
      page.set(
          "# TYPE du_prb gauge\n"
              + "du_prb{cell=\"7\",way=\"up\"} 54.6\n"
              + "du_prb{cell=\"7\",way=\"down\"} 81.9\n"
              + "du_prb{cell=\"8\",way=\"down\"} 200\n"
              + "du_prb_other{cell=\"7\"} 99\n");
      until(() -> !Double.isNaN(radio.demand(0)));
      assertThat(radio.demand(0)).isCloseTo(0.5, within(1e-9));
      page.set("du_prb{cell=\"8\"} 1\n");
      until(() -> Double.isNaN(radio.demand(0)));
    } finally {
      server.stop(0);
    }
  }

  @Test
  void aPageThatHangsOrBreaksOffIsAskedForAgain() throws Exception {
    var asked = new AtomicInteger();
    var end = new CountDownLatch(1);
    byte[] page = "du_prb 54.6\n".getBytes(StandardCharsets.UTF_8);
    HttpServer server =
        HttpServer.create(new InetSocketAddress(InetAddress.getLoopbackAddress(), 0), 0);
    server.setExecutor(Executors.newVirtualThreadPerTaskExecutor());
    server.createContext(
        "/metrics",
        exchange -> {
          int number = asked.incrementAndGet();
          exchange.sendResponseHeaders(200, number <= 2 ? 1_000 : page.length);
          exchange.getResponseBody().write(page);
          exchange.getResponseBody().flush();
          try {
            if (number == 2) {
              end.await();
            }
          } catch (InterruptedException e) {
            throw new AssertionError(e);
          }
          exchange.close();
        });
    server.start();
    var url = URI.create("http://127.0.0.1:" + server.getAddress().getPort() + "/metrics");
    try (var radio = new MeasuredRadio(new MeasuredRadio.Settings(url, "du_prb", "", 273, 20))) {
      until(() -> !Double.isNaN(radio.demand(0)));
      assertThat(radio.demand(0)).isCloseTo(0.2, within(1e-9));
      assertThat(asked.get()).isGreaterThan(2);
    } finally {
      end.countDown();
      server.stop(0);
    }
  }

  @Test
  void aWordKeepsItsTimeAndASurgeIsAWordOfItsOwn() {
    long saidNanos = System.nanoTime();
    var radio =
        new CalibratedRadio(
            new RadioLoad() {
              @Override
              public double demand(long nowMs) {
                return 0.5;
              }

              @Override
              public long heardNanos() {
                return saidNanos;
              }
            },
            0,
            1);
    assertThat(radio.heardNanos()).isEqualTo(saidNanos);
    radio.surge(0.9, 60_000);
    long surgedNanos = radio.heardNanos();
    assertThat(surgedNanos).isGreaterThanOrEqualTo(saidNanos);
    assertThat(radio.heardNanos()).as("said once").isEqualTo(surgedNanos);
    radio.surge(0.9, 0);
    assertThat(radio.demand(0)).isEqualTo(0.5);
    assertThat(radio.heardNanos()).isGreaterThanOrEqualTo(surgedNanos);
  }

  @Test
  void calibrationAndSurgeRaiseTheLoad() {
    var radio = new CalibratedRadio(nowMs -> 0.5, 0.05, 0.8);
    assertThat(radio.demand(0)).isCloseTo(0.45, within(1e-9));
    radio.surge(0.9, 60_000);
    assertThat(radio.demand(0)).isEqualTo(0.9);
    radio.surge(0.9, 0);
    assertThat(radio.demand(0)).isCloseTo(0.45, within(1e-9));
    assertThat(new CalibratedRadio(nowMs -> RadioLoad.UNKNOWN, 0, 1).demand(0))
        .as("what is not known is not calibrated")
        .isNaN();
  }

  @Test
  void aMadeUpRadioIsTheSameForASeedAndBurstsNowAndThen() {
    var one = new SyntheticRadio(0.15, 5, 1);
    var two = new SyntheticRadio(0.15, 5, 1);
    double sum = 0;
    double most = 0;
    for (int i = 0; i < 60_000; i++) {
      double demand = one.demand(i * 10L);
      assertThat(two.demand(i * 10L)).isEqualTo(demand);
      assertThat(demand).isBetween(0.0, 1.0);
      sum += demand;
      most = Math.max(most, demand);
    }
    assertThat(sum / 60_000).isBetween(0.12, 0.35);
    assertThat(most).isGreaterThan(0.8);
  }

  @Test
  void splitCommandsAreThoseOfTheVendorAndOnlyTheLastShareCounts() {
    assertThat(new SplitCommands.Kind.Mps(4711).commands(0.4))
        .containsExactly(
            List.of(
                "sh", "-c", "echo set_active_thread_percentage 4711 40 | nvidia-cuda-mps-control"));
    var mig = new SplitCommands.Kind.Mig(0, new TreeMap<>(Map.of(0.25, "1g.24gb", 0.5, "2g.48gb")));
    assertThat(mig.commands(0.7))
        .endsWith(List.of("nvidia-smi", "mig", "-i", "0", "-cgi", "2g.48gb", "-C"));
    assertThat(mig.commands(0.1)).hasSize(2); // no profile fits: none is made
    List<List<String>> ran = new CopyOnWriteArrayList<>();
    var own = new SplitCommands.Kind.Own(List.of("ai-share", "{percent}"));
    try (var split = new SplitCommands(own, 0.1, 50, ran::add)) {
      split.give(0.57);
      until(() -> ran.size() == 1);
      assertThat(ran).containsExactly(List.of("ai-share", "50"));
      for (double share = 0; share <= 0.9; share += 0.01) {
        split.give(share);
      }
      until(
          () -> ran.contains(List.of("ai-share", "90")) || ran.contains(List.of("ai-share", "80")));
      assertThat(ran.size()).as("not one for each share").isLessThan(6);
    }
  }

  private static void until(BooleanSupplier condition) {
    long giveUp = System.nanoTime() + 20_000_000_000L;
    while (!condition.getAsBoolean()) {
      if (System.nanoTime() > giveUp) {
        throw new AssertionError("did not happen within 20 s");
      }
      Thread.onSpinWait();
    }
  }
}
