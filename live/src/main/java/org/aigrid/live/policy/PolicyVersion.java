package org.aigrid.live.policy;

import java.nio.charset.StandardCharsets;
import java.security.MessageDigest;
import java.security.NoSuchAlgorithmException;
import java.util.HexFormat;
import java.util.List;
import java.util.stream.Collectors;
import org.aigrid.core.policy.PolicySet;

/// Names a policy set by what it says: SHA-256 of its canonical text in lower-case hex. Layout and
/// comments do not count, `@id` and `@reason` do, since explanations show them.
///
/// Costs some 100 us for a large set; to be computed once when a set is loaded.
public final class PolicyVersion {
  private PolicyVersion() {}

  /// The version of one set, 64 hex digits.
  public static String of(PolicySet set) {
    return sha256(set.canonicalText());
  }

  /// The version of layers that hold together: that of the one layer, or of the empty set when
  /// there is none; of several, SHA-256 of their versions, each with a line feed behind it.
  public static String of(List<PolicySet> layers) {
    return switch (layers.size()) {
      case 0 -> of(PolicySet.EMPTY);
      case 1 -> of(layers.getFirst());
      default -> sha256(layers.stream().map(set -> of(set) + "\n").collect(Collectors.joining()));
    };
  }

  private static String sha256(String text) {
    try {
      return HexFormat.of()
          .formatHex(
              MessageDigest.getInstance("SHA-256").digest(text.getBytes(StandardCharsets.UTF_8)));
    } catch (NoSuchAlgorithmException e) {
      throw new IllegalStateException("this Java has no SHA-256, which every Java has", e);
    }
  }
}
