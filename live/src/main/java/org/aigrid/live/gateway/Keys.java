package org.aigrid.live.gateway;

import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.security.MessageDigest;
import java.security.NoSuchAlgorithmException;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.HexFormat;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.stream.Collectors;
import org.aigrid.core.admit.RateLimiter;
import org.jspecify.annotations.Nullable;
import org.tomlj.Toml;
import org.tomlj.TomlArray;
import org.tomlj.TomlParseError;
import org.tomlj.TomlParseResult;
import org.tomlj.TomlTable;

/// The API keys that a gateway knows. Immutable, safe for many threads.
///
/// A look-up hashes the presented secret and compares hashes in constant time; the first eight
/// bytes of the hash find the candidate, which tells a prober nothing about other secrets. About 1
/// us.
///
/// File format (TOML):
///
/// ```
/// [[key]]
/// id = "messenger-prod"
/// tenant = "messenger"
/// sha256 = "64 hex digits, from: ./grid keys hash"
/// requests_per_minute = 6000        # optional
/// tokens_per_minute = 5000000       # optional
/// jurisdictions = ["JP"]            # optional: where its requests may be processed
/// ```
public final class Keys {
  private static final List<String> FIELDS =
      List.of(
          "id", "tenant", "sha256", "requests_per_minute", "tokens_per_minute", "jurisdictions");

  private final Map<Long, KeyEntry> byPrefix;

  private Keys(List<KeyEntry> entries) {
    byPrefix = HashMap.newHashMap(entries.size());
    for (KeyEntry entry : entries) {
      KeyEntry twin = byPrefix.putIfAbsent(prefix(entry.sha256()), entry);
      if (twin != null) {
        throw new IllegalArgumentException(
            "keys "
                + twin.id()
                + " and "
                + entry.id()
                + " have the same hash (expected: one key,"
                + " one entry)");
      }
    }
  }

  public static Keys of(List<KeyEntry> entries) {
    return new Keys(entries);
  }

  /// One key without limits.
  public static Keys single(String secret, String tenant) {
    return of(
        List.of(
            new KeyEntry(
                tenant,
                tenant,
                hash(secret),
                RateLimiter.UNLIMITED,
                RateLimiter.UNLIMITED,
                List.of())));
  }

  /// Reads a key file. A file that cannot be read or understood is an `IllegalArgumentException`
  /// that names file, line and what was expected; nothing of it is used.
  public static Keys load(Path file) {
    String text;
    try {
      text = Files.readString(file);
    } catch (NoSuchFileException e) {
      throw new IllegalArgumentException(
          "key file " + file + " does not exist (expected: TOML with [[key]] tables)", e);
    } catch (IOException e) {
      throw new IllegalArgumentException(
          "key file " + file + " cannot be read: " + e.getMessage(), e);
    }
    TomlParseResult toml = Toml.parse(text);
    for (TomlParseError error : toml.errors()) {
      throw new IllegalArgumentException(
          file + ":" + error.position().line() + ": " + error.getMessage());
    }
    TomlArray tables = toml.isArray("key") ? toml.getArray("key") : null;
    if (tables == null || tables.isEmpty()) {
      throw new IllegalArgumentException(
          file + ": no [[key]] table (expected: one or more, each with id, tenant and sha256)");
    }
    var entries = new ArrayList<KeyEntry>();
    for (int i = 0; i < tables.size(); i++) {
      String where = file + ":" + tables.inputPositionOf(i).line();
      try {
        entries.add(entry(tables.getTable(i)));
      } catch (IllegalArgumentException | org.tomlj.TomlInvalidTypeException e) {
        throw new IllegalArgumentException(where + ": " + e.getMessage(), e);
      }
    }
    try {
      return of(entries);
    } catch (IllegalArgumentException e) {
      throw new IllegalArgumentException(file + ": " + e.getMessage(), e);
    }
  }

  private static KeyEntry entry(TomlTable table) {
    for (String name : table.keySet()) {
      if (!FIELDS.contains(name)) {
        throw new IllegalArgumentException(
            "'" + name + "' is not known (expected: one of " + String.join(", ", FIELDS) + ")");
      }
    }
    String sha256 = text(table, "sha256");
    byte[] hash;
    try {
      hash = HexFormat.of().parseHex(sha256);
    } catch (IllegalArgumentException e) {
      throw new IllegalArgumentException(
          "sha256 '" + sha256 + "' is not hexadecimal (make it with: ./grid keys hash)", e);
    }
    var jurisdictions = new ArrayList<String>();
    TomlArray listed = table.getArray("jurisdictions");
    for (int i = 0; listed != null && i < listed.size(); i++) {
      jurisdictions.add(listed.getString(i));
    }
    if (listed != null && jurisdictions.isEmpty()) {
      throw new IllegalArgumentException(
          "jurisdictions is empty (expected: at least one, or leave it out to permit all)");
    }
    return new KeyEntry(
        text(table, "id"),
        text(table, "tenant"),
        hash,
        table.getLong("requests_per_minute", () -> RateLimiter.UNLIMITED),
        table.getLong("tokens_per_minute", () -> RateLimiter.UNLIMITED),
        jurisdictions);
  }

  private static String text(TomlTable table, String name) {
    String value = table.getString(name);
    if (value == null || value.isBlank()) {
      throw new IllegalArgumentException("'" + name + "' is missing (expected: a text)");
    }
    return value;
  }

  /// SHA-256 of a secret.
  public static byte[] hash(String secret) {
    try {
      return MessageDigest.getInstance("SHA-256").digest(secret.getBytes(StandardCharsets.UTF_8));
    } catch (NoSuchAlgorithmException e) {
      throw new IllegalStateException("a JDK without SHA-256", e);
    }
  }

  /// All tenants of the keys.
  public Set<String> tenants() {
    return byPrefix.values().stream().map(KeyEntry::tenant).collect(Collectors.toSet());
  }

  /// The key of a presented secret, or null.
  public @Nullable KeyEntry find(String secret) {
    byte[] hash = hash(secret);
    KeyEntry candidate = byPrefix.get(prefix(hash));
    return candidate != null && MessageDigest.isEqual(candidate.sha256(), hash) ? candidate : null;
  }

  private static long prefix(byte[] hash) {
    long value = 0;
    for (int i = 0; i < 8; i++) {
      value = value << 8 | hash[i] & 0xFF;
    }
    return value;
  }
}
