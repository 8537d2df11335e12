package org.aigrid.live.up;

import static org.assertj.core.api.Assertions.assertThat;

import java.net.URI;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpResponse;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Collections;
import java.util.HexFormat;
import java.util.List;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.concurrent.locks.LockSupport;
import java.util.function.BooleanSupplier;
import org.aigrid.core.admit.FairQueue;
import org.aigrid.live.gateway.Keys;
import org.aigrid.live.http.HttpSettings;
import org.aigrid.live.topology.TopologyFile;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

/// Ten tenants with weights that all ask for more than there is, on a whole grid with its real
/// PostgreSQL: what each is served, by the site's own record, keeps to the bound of the counters.
@Timeout(180)
class FairnessTest {
  private static final String MODEL = "llama-3.1-8b";
  private static final int TENANTS = 10;
  private static final int OUTSTANDING = 12; // requests of each tenant
  private static final int OUTPUT_TOKENS = 2;
  private static final int SEQUENCES = 8;
  private static final int SERVED = 1_500;

  /// A token takes some 6 ms there, so that about as much waits at the place as one sequence takes.
  private static final int PLACE_WAIT_MS_MAX = 5;

  private static final int UNDER_WAY_MAX = SEQUENCES + 2;
  private static final String TOPOLOGY =
      """
      name = "One hub"

      [callers]
      home = "hub"

      [waiting]
      place-ms = %d
      seconds = { standard = 60 }

      [[site]]
      id = "hub"
      name = "Hub"
      tier = "hub"
      region = "kanto"
      latitude = 35.6
      longitude = 139.7
      jurisdiction = "JP"
      operator = "Telecom"
      accelerator = "H100"
      endpoints = [{ model = "llama-3.1-8b", sequences = %d }]
      """
          .formatted(PLACE_WAIT_MS_MAX, SEQUENCES);

  private final List<String> served = Collections.synchronizedList(new ArrayList<>());
  private final HttpClient client =
      HttpClient.newBuilder().version(HttpClient.Version.HTTP_1_1).build();
  private final AtomicInteger failed = new AtomicInteger();
  private final AtomicInteger promptTokens = new AtomicInteger();
  private volatile boolean over;

  private static int weight(int tenant) {
    return 1 + tenant % 4;
  }

  @Test
  void tenTenantsThatAllWaitGetWhatTheirWeightsSay(@TempDir Path data) throws Exception {
    Path file = data.resolve("topology.toml");
    Files.writeString(file, TOPOLOGY);
    try (Accounts accounts = Accounts.open(data, Accounts.Source.EMBEDDED, "JP", null);
        LiveGrid grid =
            LiveGrid.start(
                TopologyFile.read(file),
                Keys.single("file-secret", "from-a-file"),
                LiveGridSettings.DEFAULT.withHttp(HttpSettings.DEFAULT),
                accounts,
                (order, site) -> served.add(order.tenant()))) {
      accounts
          .api()
          .order("prices.set", "{\"model\":\"*\",\"prompt\":\"1\",\"output\":\"1\"}", "test");
      for (int i = 0; i < TENANTS; i++) {
        open(accounts, i);
      }
      for (int i = 0; i < TENANTS; i++) {
        for (int n = 0; n < OUTSTANDING; n++) {
          ask(grid.port(), i);
        }
      }
      until(() -> served.size() > 100); // by then all wait
      int from = served.size();
      until(() -> served.size() - from >= SERVED);
      List<String> window = List.copyOf(served.subList(from, from + SERVED));
      over = true;

      assertThat(failed).hasValue(0);
      int input = promptTokens.get();
      double service = input * FairQueue.INPUT_WEIGHT + OUTPUT_TOKENS * FairQueue.OUTPUT_WEIGHT;
      // All that is under way may be one tenant's. The record counts an answer when it begins, the
      // counters when it is produced: that much may lie between them, at either end.
      double underWay = UNDER_WAY_MAX * OUTPUT_TOKENS * FairQueue.OUTPUT_WEIGHT;
      double bound = 2 * Math.max(input, underWay) + 2 * underWay;
      double least = Double.MAX_VALUE;
      double most = 0;
      for (int i = 0; i < TENANTS; i++) {
        int count = Collections.frequency(window, "tenant-" + i);
        double share = count * service / weight(i);
        least = Math.min(least, share);
        most = Math.max(most, share);
      }
      assertThat(most - least)
          .as("service by weight, from " + least + " to " + most)
          .isLessThanOrEqualTo(bound);
      assertThat(most)
          .as("enough was served for the bound to mean something")
          .isGreaterThan(3 * bound);
    } finally {
      over = true;
      client.shutdownNow();
    }
  }

  private static void open(Accounts accounts, int tenant) {
    String id = "tenant-" + tenant;
    accounts.api().order("tenants.create", "{\"tenant\":\"" + id + "\"}", "test");
    accounts
        .api()
        .order(
            "tenants.credit",
            "{\"tenant\":\"" + id + "\",\"amount\":\"100\",\"reference\":\"" + id + "\"}",
            "test");
    accounts
        .api()
        .order(
            "tenants.limit",
            "{\"tenant\":\"" + id + "\",\"weight\":" + weight(tenant) + "}",
            "test");
    String hash = HexFormat.of().formatHex(Keys.hash("secret-of-" + id));
    accounts
        .api()
        .order(
            "keys.new",
            "{\"id\":\"" + id + "-1\",\"tenant\":\"" + id + "\",\"sha256\":\"" + hash + "\"}",
            "test");
    until(() -> accounts.knows("secret-of-" + id));
  }

  /// Asks, and again as soon as it is answered, until it is over.
  private void ask(int port, int tenant) {
    String body =
        "{\"model\":\""
            + MODEL
            + "\",\"messages\":[{\"role\":\"user\",\"content\":\"Good morning\"}],\"max_tokens\":"
            + OUTPUT_TOKENS
            + ",\"ignore_eos\":true}";
    var request =
        HttpRequest.newBuilder(URI.create("http://127.0.0.1:" + port + "/v1/chat/completions"))
            .header("Authorization", "Bearer secret-of-tenant-" + tenant)
            .POST(HttpRequest.BodyPublishers.ofString(body))
            .build();
    client
        .sendAsync(request, HttpResponse.BodyHandlers.ofString())
        .whenComplete(
            (answer, failure) -> {
              if (over) {
                return;
              }
              if (failure != null || answer.statusCode() != 200) {
                failed.incrementAndGet();
                return;
              }
              promptTokens.set(number(answer.body(), "\"prompt_tokens\":"));
              ask(port, tenant);
            });
  }

  private static int number(String json, String after) {
    int at = json.indexOf(after) + after.length();
    int end = at;
    while (Character.isDigit(json.charAt(end))) {
      end++;
    }
    return Integer.parseInt(json.substring(at, end));
  }

  private static void until(BooleanSupplier condition) {
    long end = System.nanoTime() + 60_000_000_000L;
    while (!condition.getAsBoolean()) {
      if (System.nanoTime() - end > 0) {
        throw new AssertionError("did not come true within 60 s");
      }
      LockSupport.parkNanos(5_000_000);
    }
  }
}
