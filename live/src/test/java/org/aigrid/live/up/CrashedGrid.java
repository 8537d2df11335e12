package org.aigrid.live.up;

import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.util.HexFormat;
import org.aigrid.live.books.BooksException;
import org.aigrid.live.gateway.Keys;
import org.aigrid.live.topology.TopologyFile;

/// The grid that `GridCrashTest` kills: two sites, accounts in a folder, a tenant with money.
final class CrashedGrid {
  static final String SECRET = "secret-of-crash";
  static final String TENANT = "crash";

  private static final String TOPOLOGY =
      """
      name = "To be killed"

      [callers]
      home = "one"

      [[site]]
      id = "one"
      name = "One"
      tier = "hub"
      region = "r"
      latitude = 35.6
      longitude = 139.7
      jurisdiction = "JP"
      operator = "operator"
      accelerator = "H100"
      endpoints = [{ model = "llama-3.1-8b" }]

      [[site]]
      id = "two"
      name = "Two"
      tier = "hub"
      region = "r"
      latitude = 35.7
      longitude = 139.8
      jurisdiction = "JP"
      operator = "operator"
      accelerator = "H100"
      endpoints = [{ model = "llama-3.1-8b" }]
      """;

  private CrashedGrid() {}

  /// @param args folder of the data, file for the port
  public static void main(String... args) throws Exception {
    Path data = Path.of(args[0]);
    Path file = data.resolve("topology.toml");
    Files.writeString(file, TOPOLOGY);
    Accounts accounts = Accounts.open(data, Accounts.Source.EMBEDDED, "JP", null);
    if (!accounts.knows(SECRET)) {
      order(accounts, "prices.set", "{\"model\":\"*\",\"prompt\":\"1000\",\"output\":\"4000\"}");
      order(accounts, "tenants.create", "{\"tenant\":\"crash\"}");
      order(
          accounts,
          "tenants.credit",
          "{\"tenant\":\"crash\",\"amount\":\"100000\",\"reference\":\"first\"}");
      order(
          accounts,
          "keys.new",
          "{\"id\":\"crash-1\",\"tenant\":\"crash\",\"sha256\":\""
              + HexFormat.of().formatHex(Keys.hash(SECRET))
              + "\"}");
    }
    LiveGrid grid =
        LiveGrid.start(
            TopologyFile.read(file),
            Keys.single("file-secret", "file"),
            LiveGridSettings.DEFAULT,
            accounts,
            accounts.work());
    while (!accounts.knows(SECRET)) {
      Thread.sleep(20);
    }
    Path port = Path.of(args[1]);
    Path fresh = Path.of(args[1] + ".new");
    Files.writeString(fresh, Integer.toString(grid.port()));
    Files.move(fresh, port, StandardCopyOption.ATOMIC_MOVE);
    Thread.sleep(Long.MAX_VALUE);
  }

  /// A crash may have fallen between these orders: what is there already is as good.
  private static void order(Accounts accounts, String order, String body) {
    try {
      accounts.api().order(order, body, "tester");
    } catch (BooksException e) {
      System.err.println(e.getMessage());
    }
  }
}
