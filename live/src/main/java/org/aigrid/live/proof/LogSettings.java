package org.aigrid.live.proof;

import java.nio.file.Path;

/// Where a log lies and what it puts up with. Immutable.
///
/// @param origin its name: a URL without scheme, for example `grid.example/log/tokyo-1`
/// @param folder its files: `public/` is what may be served as it stands
/// @param keys its keys and the memory of what they signed; best on another volume than `folder`
/// @param queueMax entries offered and not yet written; beyond: `Offer.FULL`
/// @param batchMax entries of one commit; beyond: the next one
/// @param batchMs from one commit to the next, while entries come
/// @param idsMax newest entries whose ids are known without reading files, 20 bytes each
/// @param fullCheckMax entries up to which all of the log is checked at the start, about 2 µs each;
///   beyond, only its right edge and root (`LogAudit` checks the rest)
public record LogSettings(
    String origin,
    Path folder,
    Path keys,
    int queueMax,
    int batchMax,
    int batchMs,
    int idsMax,
    long fullCheckMax) {
  static final int BATCH_MAX = 65_536;

  public LogSettings {
    if (queueMax < 1
        || batchMax < 1
        || batchMax > BATCH_MAX
        || batchMs < 0
        || idsMax < 1_024
        || fullCheckMax < 0) {
      throw new IllegalArgumentException(
          "log bounds: queueMax "
              + queueMax
              + ", batchMax "
              + batchMax
              + ", batchMs "
              + batchMs
              + ", idsMax "
              + idsMax
              + ", fullCheckMax "
              + fullCheckMax
              + " (expected: 1 or more, batchMax at most "
              + BATCH_MAX
              + ", batchMs 0 or more, idsMax 1024 or more)");
    }
  }

  /// A log in a data folder, with the usual bounds: `DATA/proof/log` and `DATA/proof/keys`.
  public static LogSettings under(Path data, String origin) {
    Path proof = data.resolve("proof");
    return new LogSettings(
        origin,
        proof.resolve("log"),
        proof.resolve("keys"),
        100_000,
        10_000,
        1_000,
        4_000_000,
        1_000_000);
  }

  /// These settings with other bounds on batches, for tests and small machines.
  public LogSettings withBatches(int newQueueMax, int newBatchMax, int newBatchMs) {
    return new LogSettings(
        origin, folder, keys, newQueueMax, newBatchMax, newBatchMs, idsMax, fullCheckMax);
  }

  /// What may be served as it stands: checkpoint and tiles.
  public Path publicFolder() {
    return folder.resolve("public");
  }
}
