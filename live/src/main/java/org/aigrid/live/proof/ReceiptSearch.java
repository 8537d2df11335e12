package org.aigrid.live.proof;

import java.io.IOException;
import java.util.concurrent.atomic.AtomicReference;
import org.aigrid.live.tlog.TlogProof;
import org.aigrid.live.tlog.TrustPolicy;
import org.jspecify.annotations.Nullable;
import tools.jackson.databind.JsonNode;

/// Finds one receipt and its proof in a log that somebody else writes. Asks where the log is served
/// for `v1/receipts/ID` first; a folder, which has no such path, is read as a whole. What comes
/// back is checked like everything else. Blocking.
public final class ReceiptSearch {
  private ReceiptSearch() {}

  /// A receipt that is proved.
  ///
  /// @param receipt canonical bytes: the leaf
  public record Found(byte[] receipt, TlogProof proof) {
    public Found {
      receipt = receipt.clone();
    }

    @Override
    public byte[] receipt() {
      return receipt.clone();
    }
  }

  /// The receipt of a request with a proof that fits the policy, or null when there is none.
  public static @Nullable Found find(LogSource source, TrustPolicy policy, String requestId)
      throws IOException {
    byte[] served = source.read("v1/receipts/" + requestId);
    if (served != null) {
      return served(served, policy, requestId);
    }
    if (source instanceof HttpLogSource) {
      return null;
    }
    var found = new AtomicReference<TransparencyLog.@Nullable Logged>();
    LogAudit.Checked checked =
        LogAudit.check(
            source,
            policy,
            null,
            (leaf, entry) -> {
              LogEntry.Read read = LogEntry.read(entry);
              if (read.receipt() && read.id().equals(requestId)) {
                found.compareAndSet(null, new TransparencyLog.Logged(leaf, entry));
              }
            });
    TransparencyLog.Logged logged = found.get();
    return logged == null
        ? null
        : new Found(logged.bytes(), LogAudit.prove(source, checked.note(), logged.index()));
  }

  private static Found served(byte[] answer, TrustPolicy policy, String requestId) {
    JsonNode json = CanonicalJson.read(answer);
    byte[] receipt = CanonicalJson.bytes(json.path("receipt"));
    LogEntry.Read read = LogEntry.read(receipt);
    if (!read.receipt() || !read.id().equals(requestId)) {
      throw new org.aigrid.live.tlog.UntrustedException(
          "the server answered with another receipt than that of " + requestId);
    }
    TlogProof proof = TlogProof.parse(json.path("proof").asString(""));
    proof.check(receipt, policy);
    return new Found(receipt, proof);
  }

  /// Whether an entry is a receipt; throws what `LogEntry` throws on bytes that are no entry.
  public static boolean isReceipt(byte[] entry) {
    return LogEntry.read(entry).receipt();
  }

  /// The leaf of a receipt that was stored in some other spelling of JSON.
  public static byte[] canonical(byte[] receipt) {
    return CanonicalJson.bytes(CanonicalJson.read(receipt));
  }
}
