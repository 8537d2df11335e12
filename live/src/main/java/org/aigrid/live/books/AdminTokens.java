package org.aigrid.live.books;

import java.security.MessageDigest;
import java.time.Instant;
import java.time.OffsetDateTime;
import java.time.ZoneOffset;
import java.util.List;
import java.util.regex.Pattern;
import org.jdbi.v3.core.Handle;
import org.jdbi.v3.core.Jdbi;
import org.jspecify.annotations.Nullable;

/// Administrators with tokens of their own, so that the audit says who did what. Of a token there
/// is its SHA-256 only. `find` looks at what was read last, so that administrators get in while the
/// database is away; making and revoking read again, and hold at once. Safe for many threads; all
/// but `find` block.
public final class AdminTokens {
  /// Tokens in force at a time; one more is refused.
  public static final int TOKENS_MAX = 1_000;

  private static final Pattern NAME = Pattern.compile("[A-Za-z0-9._-]{1,64}");

  /// A token as administrators see it.
  public record Row(
      String name, Instant created, @Nullable Instant expires, @Nullable Instant revoked) {}

  private record Token(String name, byte[] sha256, long expiresAtMs) {}

  private final Jdbi jdbi;
  private volatile List<Token> inForce;

  /// Reads them once.
  public AdminTokens(Database database) {
    jdbi = database.jdbi();
    inForce = read();
  }

  private List<Token> read() {
    return jdbi.withHandle(
        handle ->
            handle
                .createQuery(
                    "select name, sha256, expires_at from admin_tokens where revoked_at is null")
                .map(
                    (row, _) -> {
                      OffsetDateTime expires = row.getObject(3, OffsetDateTime.class);
                      return new Token(
                          row.getString(1),
                          row.getBytes(2),
                          expires == null ? Long.MAX_VALUE : expires.toInstant().toEpochMilli());
                    })
                .list());
  }

  /// Whose token this is now, or null for nobody's. All are compared, each in constant time.
  public @Nullable String find(String presented, long nowMs) {
    byte[] hash = TenantDirectory.hash(presented);
    String found = null;
    for (Token token : inForce) {
      if (MessageDigest.isEqual(token.sha256(), hash) && nowMs < token.expiresAtMs()) {
        found = token.name();
      }
    }
    return found;
  }

  /// Takes a token in. A name is used once, so that the audit means one person by it for ever.
  ///
  /// @param expires null: never
  public void create(String who, String name, byte[] sha256, @Nullable Instant expires) {
    if (!NAME.matcher(name).matches()) {
      throw new BooksException(
          "administrator '" + name + "' (expected: 1 to 64 letters, digits, '.', '_' or '-')");
    }
    if (expires != null && !expires.isAfter(Instant.now())) {
      throw new BooksException("expiry " + expires + " is over (expected: a moment ahead)");
    }
    jdbi.useTransaction(
        handle -> {
          if (inForce(handle) >= TOKENS_MAX) {
            throw new BooksException(
                TOKENS_MAX + " admin tokens are in force (expected: one of them revoked first)");
          }
          int made =
              handle
                  .createUpdate(
                      "insert into admin_tokens (name, sha256, expires_at) values (:name, :sha256,"
                          + " :expires) on conflict do nothing")
                  .bind("name", name)
                  .bind("sha256", sha256)
                  .bind("expires", expires == null ? null : expires.atOffset(ZoneOffset.UTC))
                  .execute();
          if (made == 0) {
            throw new BooksException(
                "administrator '" + name + "' has or had a token (expected: a new name)");
          }
          Tenants.audit(
              handle, who, "admin-token.new", name, expires == null ? "" : "until " + expires);
        });
    refresh();
  }

  private static int inForce(Handle handle) {
    return handle
        .createQuery(
            "select count(*) from admin_tokens where revoked_at is null and (expires_at is null or"
                + " expires_at > now())")
        .mapTo(Integer.class)
        .one();
  }

  /// Ends a token at once.
  public void revoke(String who, String name) {
    jdbi.useTransaction(
        handle -> {
          int changed =
              handle.execute(
                  "update admin_tokens set revoked_at = coalesce(revoked_at, now()) where name = ?",
                  name);
          if (changed == 0) {
            throw new BooksException(
                "no administrator '" + name + "' (expected: one that admin-token list shows)");
          }
          Tenants.audit(handle, who, "admin-token.revoke", name, "");
        });
    drop(name); // holds also when the database cannot be read again
    refresh();
  }

  private synchronized void drop(String name) {
    inForce = inForce.stream().filter(token -> !token.name().equals(name)).toList();
  }

  /// Reads again what is in force: another grid on the database may have made or revoked a token.
  /// One at a time, so that what was read before a revocation is not kept after it.
  public synchronized void refresh() {
    inForce = read();
  }

  /// All that there are and were, by name.
  public List<Row> list() {
    return jdbi.withHandle(
        handle ->
            handle
                .createQuery(
                    "select name, created_at, expires_at, revoked_at from admin_tokens order by name")
                .map(
                    (row, _) -> {
                      OffsetDateTime expires = row.getObject(3, OffsetDateTime.class);
                      OffsetDateTime revoked = row.getObject(4, OffsetDateTime.class);
                      return new Row(
                          row.getString(1),
                          row.getObject(2, OffsetDateTime.class).toInstant(),
                          expires == null ? null : expires.toInstant(),
                          revoked == null ? null : revoked.toInstant());
                    })
                .list());
  }
}
