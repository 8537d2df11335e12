package org.aigrid.core.model;

/// How well it is known where a site stands, as its operator claims it. Beyond L1 a claim names
/// what shows it, so that somebody else can check: the digest of a document (round trips with their
/// anchors and times, or a hardware attestation with its certificates) that the operator hands to
/// whoever asks. The grid compares nothing with that document itself. Immutable.
///
/// @param level what is claimed
/// @param evidence `sha256:` and 64 lower-case hexadecimal digits of the document; empty where
///   there is none, as is only possible at L1
public record LocationClaim(LocationLevel level, String evidence) {
  /// The operator says so, and shows nothing.
  public static final LocationClaim DECLARED = new LocationClaim(LocationLevel.L1, "");

  public LocationClaim {
    if (!evidence.isEmpty() && !evidence.matches("sha256:[0-9a-f]{64}")) {
      throw new IllegalArgumentException(
          "location evidence '"
              + evidence
              + "' (expected: sha256: and the 64 lower-case hexadecimal digits of the document's"
              + " SHA-256)");
    }
    if (level != LocationLevel.L1 && evidence.isEmpty()) {
      throw new IllegalArgumentException(
          "location level "
              + level.number()
              + " without evidence (expected: the SHA-256 of the document that shows it, or level 1,"
              + " which the operator declares)");
    }
  }
}
