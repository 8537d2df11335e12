package org.aigrid.live.books;

import com.nimbusds.jose.JOSEException;
import com.nimbusds.jose.JWSAlgorithm;
import com.nimbusds.jose.JWSHeader;
import com.nimbusds.jose.crypto.ECDSAVerifier;
import com.nimbusds.jose.crypto.RSASSAVerifier;
import com.nimbusds.jose.jwk.Curve;
import com.nimbusds.jose.jwk.ECKey;
import com.nimbusds.jose.jwk.JWK;
import com.nimbusds.jose.jwk.JWKSet;
import com.nimbusds.jose.jwk.KeyUse;
import com.nimbusds.jose.jwk.OctetKeyPair;
import com.nimbusds.jose.jwk.RSAKey;
import com.nimbusds.jwt.JWTClaimsSet;
import com.nimbusds.jwt.SignedJWT;
import java.io.IOException;
import java.io.InputStream;
import java.net.URI;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpResponse;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.security.GeneralSecurityException;
import java.security.KeyFactory;
import java.security.PublicKey;
import java.security.Signature;
import java.security.spec.X509EncodedKeySpec;
import java.text.ParseException;
import java.time.Duration;
import java.util.Date;
import java.util.HexFormat;
import java.util.Set;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.TimeoutException;
import java.util.concurrent.locks.LockSupport;
import java.util.stream.Collectors;
import org.aigrid.core.admit.Limits;
import org.aigrid.core.admit.Scope;
import org.aigrid.live.books.TenantDirectory.Key;
import org.aigrid.live.books.TenantDirectory.Project;
import org.aigrid.live.books.TenantDirectory.Tenant;
import org.aigrid.live.outbound.OutboundAddress;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/// Bearer tokens of an external identity provider (OpenID Connect, JWT of RFC 7519), taken in the
/// place of API keys. Safe for many threads.
///
/// RS256, ES256 and EdDSA (Ed25519) only, each with a key of its own type, so that nobody chooses
/// how they are checked. Issuer, audience, expiry, not-before and issue time are checked with a
/// bounded clock skew; a claim names the tenant. What it opens is what the person (`sub`) is there
/// by the directory of now (`Role`): a role that is taken away holds for tokens that are out. A
/// token that was good is remembered until it expires: then `find` is a hash and a look-up, about 1
/// us; the first time it costs a signature, 50 to 200 us. It never waits for the provider: a thread
/// keeps the provider's keys fresh.
public final class BearerTokens implements AutoCloseable {
  /// What to accept.
  ///
  /// @param issuer the claim `iss`, exactly
  /// @param audience one of the claim `aud`
  /// @param keys where the provider's keys are: a file, or an https address (http on this machine)
  /// @param tenantClaim holds the tenant's id
  /// @param projectClaim holds the project's id; a token without it is of the project `default`
  /// @param skew by which clocks may differ, up to 5 minutes
  public record Settings(
      String issuer,
      String audience,
      URI keys,
      String tenantClaim,
      String projectClaim,
      Duration skew) {
    public Settings {
      if (issuer.isBlank() || audience.isBlank() || tenantClaim.isBlank()) {
        throw new IllegalArgumentException(
            "issuer, audience and tenant claim have to be named (expected: as the identity provider"
                + " writes them)");
      }
      if (skew.isNegative() || skew.compareTo(Duration.ofMinutes(5)) > 0) {
        throw new IllegalArgumentException("skew " + skew + " (expected: 0 to 5 minutes)");
      }
      if (!"file".equals(keys.getScheme())) {
        OutboundAddress.check("keys of the identity provider", keys, OutboundAddress.Over.HTTPS);
      }
    }
  }

  /// A longer token is none.
  public static final int TOKEN_CHARACTERS_MAX = 8_192;

  private static final int REMEMBERED_MAX = 50_000;
  private static final int KEYS_BYTES_MAX = 1 << 20;
  private static final long FRESH_MS = 600_000;
  private static final long ASKED_AGAIN_MS = 30_000;
  private static final Duration TIMEOUT = Duration.ofSeconds(5);
  private static final byte[] ED25519_PREFIX = HexFormat.of().parseHex("302a300506032b6570032100");
  private static final Logger log = LoggerFactory.getLogger(BearerTokens.class);

  /// A token that was good: whose it is, under which directory its key was made.
  private record Known(
      String subject, String tenant, String project, long expiresAtMs, long revision, Key key) {}

  private final Settings settings;
  private final ConcurrentHashMap<String, Known> known = new ConcurrentHashMap<>();
  private final Thread thread;
  private volatile JWKSet keys = new JWKSet();
  private volatile boolean askedAgain;
  private volatile boolean closing;

  private BearerTokens(Settings settings) {
    this.settings = settings;
    thread = Thread.ofPlatform().daemon().name("identity-keys").unstarted(this::run);
  }

  /// Reads the provider's keys once, and then again and again. A provider that cannot be read now
  /// is an error of one sentence.
  public static BearerTokens start(Settings settings) {
    var tokens = new BearerTokens(settings);
    try {
      tokens.keys = tokens.fetch();
    } catch (IOException | ParseException e) {
      throw new BooksException(
          "cannot read the keys of the identity provider at "
              + settings.keys()
              + ": "
              + e.getMessage()
              + " (expected: a JSON Web Key Set)",
          e);
    }
    tokens.thread.start();
    return tokens;
  }

  private void run() {
    long readAt = System.nanoTime();
    while (!closing) {
      LockSupport.parkNanos(Duration.ofMillis(200).toNanos());
      long ageMs = (System.nanoTime() - readAt) / 1_000_000;
      if (ageMs > FRESH_MS || askedAgain && ageMs > ASKED_AGAIN_MS) {
        readAt = System.nanoTime();
        askedAgain = false;
        try {
          keys = fetch();
        } catch (IOException | ParseException e) {
          log.warn("the identity provider's keys stay as they are: {}", e.getMessage());
        }
      }
    }
  }

  private JWKSet fetch() throws IOException, ParseException {
    byte[] bytes;
    if ("file".equals(settings.keys().getScheme())) {
      try (InputStream in = Files.newInputStream(Path.of(settings.keys()))) {
        bytes = in.readNBytes(KEYS_BYTES_MAX + 1);
      }
    } else {
      try (HttpClient http =
          HttpClient.newBuilder()
              .connectTimeout(TIMEOUT)
              .followRedirects(HttpClient.Redirect.NEVER)
              .build()) {
        CompletableFuture<HttpResponse<byte[]>> asked =
            http.sendAsync(
                HttpRequest.newBuilder(settings.keys()).timeout(TIMEOUT).build(),
                HttpResponse.BodyHandlers.limiting(
                    HttpResponse.BodyHandlers.ofByteArray(), KEYS_BYTES_MAX));
        try {
          // The request's own timeout ends with the head.
          HttpResponse<byte[]> response = asked.get(TIMEOUT.toMillis(), TimeUnit.MILLISECONDS);
          if (response.statusCode() != 200) {
            throw new IOException("it answers " + response.statusCode());
          }
          bytes = response.body();
        } finally {
          asked.cancel(true);
          http.shutdownNow();
        }
      } catch (ExecutionException e) {
        throw new IOException(String.valueOf(e.getCause()), e);
      } catch (TimeoutException e) {
        throw new IOException("it does not end within " + TIMEOUT.toSeconds() + " s", e);
      } catch (InterruptedException e) {
        Thread.currentThread().interrupt();
        throw new IOException("interrupted", e);
      }
    }
    if (bytes.length > KEYS_BYTES_MAX) {
      throw new IOException("more than a mebibyte");
    }
    return JWKSet.parse(new String(bytes, StandardCharsets.UTF_8));
  }

  /// Whether a secret may be one of these tokens at all.
  public static boolean looksLikeOne(String secret) {
    return secret.startsWith("ey") && secret.indexOf('.') > 0;
  }

  /// The key that a token stands for, or null when it is not good: unknown, expired, forged, of a
  /// tenant that is closed or not known, or of a person whose role there opens nothing.
  public @Nullable Key find(String token, TenantDirectory directory, long nowMs) {
    if (token.length() > TOKEN_CHARACTERS_MAX) {
      return null;
    }
    String hash = HexFormat.of().formatHex(TenantDirectory.hash(token));
    Known before = known.get(hash);
    if (before != null) {
      if (nowMs >= before.expiresAtMs()) {
        known.remove(hash);
        return null;
      }
      if (before.revision() == directory.revision()) {
        return before.key().usable(nowMs) ? before.key() : null;
      }
    }
    Known fresh =
        before == null
            ? verified(token, directory, nowMs)
            : bound(
                before.subject(),
                before.tenant(),
                before.project(),
                before.expiresAtMs(),
                directory);
    if (fresh == null) {
      known.remove(hash);
      return null;
    }
    if (known.size() >= REMEMBERED_MAX) {
      known.clear(); // each costs one more signature
    }
    known.put(hash, fresh);
    return fresh.key().usable(nowMs) ? fresh.key() : null;
  }

  private @Nullable Known verified(String token, TenantDirectory directory, long nowMs) {
    try {
      SignedJWT jwt = SignedJWT.parse(token);
      if (!signed(jwt)) {
        return null;
      }
      JWTClaimsSet claims = jwt.getJWTClaimsSet();
      long skewMs = settings.skew().toMillis();
      Date expires = claims.getExpirationTime();
      Date notBefore = claims.getNotBeforeTime();
      Date issued = claims.getIssueTime();
      String tenant = claims.getStringClaim(settings.tenantClaim());
      String project =
          settings.projectClaim().isEmpty() ? null : claims.getStringClaim(settings.projectClaim());
      if (!settings.issuer().equals(claims.getIssuer())
          || !claims.getAudience().contains(settings.audience())
          || expires == null
          || nowMs >= expires.getTime() + skewMs
          || notBefore != null && notBefore.getTime() > nowMs + skewMs
          || issued != null && issued.getTime() > nowMs + skewMs
          || tenant == null) {
        return null;
      }
      String subject = claims.getSubject();
      if (subject != null && subject.length() > Tenants.SUBJECT_CHARACTERS_MAX) {
        log.debug("a bearer token is refused: its subject has {} characters", subject.length());
        return null;
      }
      return bound(
          subject == null ? "" : subject,
          tenant,
          project == null ? Tenants.DEFAULT_PROJECT : project,
          expires.getTime() + skewMs,
          directory);
    } catch (ParseException | JOSEException | GeneralSecurityException | RuntimeException e) {
      log.debug("a bearer token is refused: {}", e.getMessage());
      return null;
    }
  }

  private static @Nullable Known bound(
      String subject,
      String tenantId,
      String projectId,
      long expiresAtMs,
      TenantDirectory directory) {
    Tenant tenant = directory.tenant(tenantId);
    Project project = directory.project(tenantId, projectId);
    if (tenant == null || project == null) {
      return null;
    }
    Set<String> scopes =
        directory.role(tenantId, subject).scopes().stream()
            .map(Scope::word)
            .collect(Collectors.toUnmodifiableSet());
    if (scopes.isEmpty()) {
      return null;
    }
    String id = "oidc:" + (subject.length() > 128 ? subject.substring(0, 128) : subject);
    return new Known(
        subject,
        tenantId,
        projectId,
        expiresAtMs,
        directory.revision(),
        new Key(id, tenant, project, scopes, Limits.NONE, expiresAtMs));
  }

  private boolean signed(SignedJWT jwt)
      throws JOSEException, GeneralSecurityException, ParseException {
    JWSHeader header = jwt.getHeader();
    JWSAlgorithm algorithm = header.getAlgorithm();
    if (header.getCriticalParams() != null && !header.getCriticalParams().isEmpty()) {
      return false;
    }
    boolean met = false;
    for (JWK key : keys.getKeys()) {
      if (header.getKeyID() != null && !header.getKeyID().equals(key.getKeyID())
          || key.getKeyUse() != null && !KeyUse.SIGNATURE.equals(key.getKeyUse())
          || key.getAlgorithm() != null
              && !key.getAlgorithm().getName().equals(algorithm.getName())) {
        continue;
      }
      met = true;
      if (switch (key) {
        case RSAKey rsa ->
            JWSAlgorithm.RS256.equals(algorithm)
                && rsa.size() >= 2_048
                && jwt.verify(new RSASSAVerifier(rsa.toRSAPublicKey()));
        case ECKey ec ->
            JWSAlgorithm.ES256.equals(algorithm)
                && Curve.P_256.equals(ec.getCurve())
                && jwt.verify(new ECDSAVerifier(ec.toECPublicKey()));
        case OctetKeyPair okp ->
            (JWSAlgorithm.EdDSA.equals(algorithm) || JWSAlgorithm.Ed25519.equals(algorithm))
                && Curve.Ed25519.equals(okp.getCurve())
                && edwards(jwt, okp);
        default -> false;
      }) {
        return true;
      }
    }
    if (!met) {
      askedAgain = true; // the provider may have a new key
    }
    return false;
  }

  private static boolean edwards(SignedJWT jwt, OctetKeyPair key) throws GeneralSecurityException {
    byte[] raw = key.getX().decode();
    if (raw.length != 32) {
      return false;
    }
    var encoded = new byte[ED25519_PREFIX.length + raw.length];
    System.arraycopy(ED25519_PREFIX, 0, encoded, 0, ED25519_PREFIX.length);
    System.arraycopy(raw, 0, encoded, ED25519_PREFIX.length, raw.length);
    PublicKey publicKey =
        KeyFactory.getInstance("Ed25519").generatePublic(new X509EncodedKeySpec(encoded));
    Signature verifier = Signature.getInstance("Ed25519");
    verifier.initVerify(publicKey);
    verifier.update(jwt.getSigningInput());
    return verifier.verify(jwt.getSignature().decode());
  }

  @Override
  public void close() {
    closing = true;
    LockSupport.unpark(thread);
  }
}
