package org.aigrid.live.gateway;

import java.util.List;
import java.util.regex.Pattern;
import org.aigrid.core.admit.RateLimiter;
import org.aigrid.core.load.PromptBlocks;
import org.aigrid.live.books.TenantDirectory;
import org.jspecify.annotations.Nullable;

/// One API key as the grid keeps it: never the secret, only its hash. Immutable but for its
/// allowance.
///
/// A key is 256 random bits, so one round of SHA-256 hides it; slow hashes are for passwords.
public final class KeyEntry {
  private static final Pattern NAME = Pattern.compile("[A-Za-z0-9._-]{1,64}");

  private static final Pattern CODE = Pattern.compile("[A-Z]{2}");

  /// The project of keys that have none.
  static final String NO_PROJECT = "-";

  private final String id;
  private final String tenant;
  private final byte[] sha256;
  private final List<String> jurisdictions;
  private final RateLimiter limiter;
  private final long salt;
  private final TenantDirectory.@Nullable Key booked;

  /// @param id for people and logs
  /// @param tenant who pays
  /// @param sha256 32 bytes
  /// @param requestsPerMinute 1 or more, `RateLimiter.UNLIMITED` for none
  /// @param tokensPerMinute likewise
  /// @param jurisdictions where its requests may be processed; empty permits all
  public KeyEntry(
      String id,
      String tenant,
      byte[] sha256,
      long requestsPerMinute,
      long tokensPerMinute,
      List<String> jurisdictions) {
    if (sha256.length != 32) {
      throw new IllegalArgumentException(
          "hash of key " + id + ": " + sha256.length + " bytes (expected: 32, SHA-256)");
    }
    if (!NAME.matcher(tenant).matches()) {
      throw new IllegalArgumentException(
          "tenant of key "
              + id
              + ": '"
              + tenant
              + "' (expected: 1 to 64 letters, digits, '.', '_' or '-')");
    }
    for (String code : jurisdictions) {
      if (!CODE.matcher(code).matches()) {
        throw new IllegalArgumentException(
            "jurisdiction of key "
                + id
                + ": '"
                + code
                + "' (expected: two upper-case letters of ISO 3166-1, such as JP)");
      }
    }
    this.id = id;
    this.tenant = tenant;
    this.sha256 = sha256.clone();
    this.jurisdictions = List.copyOf(jurisdictions);
    limiter = new RateLimiter(requestsPerMinute, tokensPerMinute, 0);
    salt = PromptBlocks.salt(0, tenant);
    booked = null;
  }

  /// A key whose tenant has an account in the books: its limits, prices and policies are there.
  KeyEntry(TenantDirectory.Key booked) {
    this.booked = booked;
    id = booked.id();
    tenant = booked.tenant().id();
    sha256 = new byte[32];
    jurisdictions = List.of();
    limiter =
        new RateLimiter(booked.limits().requestsPerMinute(), booked.limits().tokensPerMinute(), 0);
    salt = PromptBlocks.salt(0, tenant);
  }

  /// As the directory knew it when it was presented; null for a key of a file.
  TenantDirectory.@Nullable Key booked() {
    return booked;
  }

  public String id() {
    return id;
  }

  public String tenant() {
    return tenant;
  }

  /// The tenant's project that it belongs to; `NO_PROJECT` for none.
  public String project() {
    return booked == null ? NO_PROJECT : booked.project().id();
  }

  byte[] sha256() {
    return sha256;
  }

  public List<String> jurisdictions() {
    return jurisdictions;
  }

  /// Its allowance; guard with this entry's monitor.
  RateLimiter limiter() {
    return limiter;
  }

  long salt() {
    return salt;
  }
}
