package org.aigrid.live.up;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.security.SecureRandom;
import java.util.Base64;
import java.util.HexFormat;
import org.aigrid.live.gateway.Keys;
import org.jspecify.annotations.Nullable;

/// The API keys of a `grid up`: given on the command line, read from a file, or generated. At rest
/// there are hashes only.
final class KeyStore {
  /// Where `--data DIR` keeps the generated key's hash.
  static final String FILE = "keys.toml";

  private static final int SECRET_BYTES = 32;

  /// What the gateway accepts.
  ///
  /// @param keys all of them
  /// @param secret the one to show and use, or null when only hashes are known
  /// @param generated whether it was made just now
  record Chosen(Keys keys, @Nullable String secret, boolean generated) {}

  private KeyStore() {}

  /// With what API keys begin.
  static final String KEY_PREFIX = "sk-grid-";

  /// With what administrators' tokens begin, so that nobody takes one for a key.
  static final String ADMIN_PREFIX = "grid-admin-";

  /// A fresh secret of 256 random bits, for an API key.
  static String newSecret() {
    return newSecret(KEY_PREFIX);
  }

  /// A fresh secret of 256 random bits.
  static String newSecret(String prefix) {
    var bytes = new byte[SECRET_BYTES];
    new SecureRandom().nextBytes(bytes);
    return prefix + Base64.getUrlEncoder().withoutPadding().encodeToString(bytes);
  }

  /// The lines of a key file for one secret.
  static String entry(String id, String tenant, String secret) {
    return "[[key]]\nid = \""
        + id
        + "\"\ntenant = \""
        + tenant
        + "\"\nsha256 = \""
        + HexFormat.of().formatHex(Keys.hash(secret))
        + "\"\n";
  }

  /// `given` wins over `file`, both over what lies in `data`; without anything a key is generated.
  static Chosen choose(@Nullable String given, @Nullable Path file, @Nullable Path data) {
    if (given != null) {
      return new Chosen(Keys.single(given, "command-line"), given, false);
    }
    if (file != null) {
      return new Chosen(load(file), null, false);
    }
    if (data != null && Files.exists(data.resolve(FILE))) {
      return new Chosen(load(data.resolve(FILE)), null, false);
    }
    String secret = newSecret();
    if (data != null) {
      keep(data, secret);
    }
    return new Chosen(Keys.single(secret, "first"), secret, true);
  }

  private static Keys load(Path file) {
    try {
      return Keys.load(file);
    } catch (IllegalArgumentException e) {
      throw new CommandFailure(String.valueOf(e.getMessage()));
    }
  }

  private static void keep(Path data, String secret) {
    Path file = data.resolve(FILE);
    try {
      Files.createDirectories(data);
      Files.writeString(
          file,
          "# Hashes of API keys. More: ./grid keys new >> this file.\n"
              + entry("first", "first", secret),
          StandardOpenOption.CREATE_NEW);
    } catch (IOException e) {
      throw new CommandFailure(
          "cannot write " + file + ": " + e.getMessage() + " (expected: a folder for --data)");
    }
  }
}
