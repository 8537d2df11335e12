package org.aigrid.live.proof;

import java.util.Arrays;
import java.util.Locale;
import java.util.Map;
import java.util.TreeMap;
import org.jspecify.annotations.Nullable;

/// What changed the conditions under which requests run: a policy, the registry of sites, a price,
/// or what an administrator did. Stands in the log between the receipts, so that an auditor sees
/// which rules held when. Immutable.
///
/// @param kind of change
/// @param changeId unique among changes
/// @param atMs UTC milliseconds
/// @param actor who, by pseudonym or role
/// @param subject what was changed: a policy, a site, a model
/// @param details names and values, for example hashes before and after; no secrets, no content
public record GridChange(
    Kind kind,
    String changeId,
    long atMs,
    String actor,
    String subject,
    Map<String, String> details)
    implements LogEntry {
  private static final int NAME_CHARS_MAX = 200;
  private static final int DETAILS_MAX = 32;
  private static final int DETAIL_CHARS_MAX = 400;

  /// Kinds of change.
  public enum Kind {
    POLICY,
    SITE_REGISTRY,
    PRICE,
    ADMIN;

    /// As entries name it: `site-registry`.
    public String type() {
      return name().toLowerCase(Locale.ROOT).replace('_', '-');
    }

    static @Nullable Kind of(String type) {
      for (Kind kind : values()) {
        if (kind.type().equals(type)) {
          return kind;
        }
      }
      return null;
    }
  }

  public GridChange {
    details = Map.copyOf(details);
    LogEntry.checkPlain("changeId", changeId, NAME_CHARS_MAX);
    LogEntry.checkPlain("actor", actor, NAME_CHARS_MAX);
    LogEntry.checkPlain("subject", subject, NAME_CHARS_MAX);
    if (atMs < 0 || details.size() > DETAILS_MAX) {
      throw new IllegalArgumentException(
          "at "
              + atMs
              + ", "
              + details.size()
              + " details (expected: 0 or more, at most "
              + DETAILS_MAX
              + ")");
    }
    details.forEach(
        (name, value) -> {
          LogEntry.checkPlain("detail name", name, 100);
          if (value.length() > DETAIL_CHARS_MAX
              || value
                  .codePoints()
                  .anyMatch(
                      c ->
                          Character.isISOControl(c)
                              || Character.getType(c) == Character.SURROGATE)) {
            throw new IllegalArgumentException(
                "detail "
                    + name
                    + ": "
                    + value.length()
                    + " characters (expected: at most "
                    + DETAIL_CHARS_MAX
                    + ", no control characters)");
          }
        });
  }

  @Override
  public String type() {
    return kind.type();
  }

  @Override
  public String id() {
    return changeId;
  }

  /// Whether an entry of the log says what this one says, whenever it did and under whatever id.
  public boolean saysTheSameAs(byte[] entry) {
    LogEntry.Read read = LogEntry.read(entry);
    long at = read.json().path("at").asLong(-1);
    return at >= 0
        && Arrays.equals(
            new GridChange(kind, read.id(), at, actor, subject, details).bytes(), entry);
  }

  @Override
  public byte[] bytes() {
    var json = new TreeMap<String, Object>();
    json.put("type", type());
    json.put("v", Receipt.VERSION);
    json.put("changeId", changeId);
    json.put("at", atMs);
    json.put("actor", actor);
    json.put("subject", subject);
    json.put("details", details);
    return CanonicalJson.bytes(json);
  }
}
