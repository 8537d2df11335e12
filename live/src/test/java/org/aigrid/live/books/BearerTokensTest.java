package org.aigrid.live.books;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import com.nimbusds.jose.JWSAlgorithm;
import com.nimbusds.jose.JWSHeader;
import com.nimbusds.jose.crypto.ECDSASigner;
import com.nimbusds.jose.crypto.MACSigner;
import com.nimbusds.jose.crypto.RSASSASigner;
import com.nimbusds.jose.jwk.Curve;
import com.nimbusds.jose.jwk.ECKey;
import com.nimbusds.jose.jwk.JWK;
import com.nimbusds.jose.jwk.JWKSet;
import com.nimbusds.jose.jwk.KeyUse;
import com.nimbusds.jose.jwk.OctetKeyPair;
import com.nimbusds.jose.jwk.RSAKey;
import com.nimbusds.jose.jwk.gen.ECKeyGenerator;
import com.nimbusds.jose.jwk.gen.RSAKeyGenerator;
import com.nimbusds.jose.util.Base64URL;
import com.nimbusds.jwt.JWTClaimsSet;
import com.nimbusds.jwt.SignedJWT;
import java.net.URI;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.security.KeyPair;
import java.security.KeyPairGenerator;
import java.security.Signature;
import java.time.Duration;
import java.util.Arrays;
import java.util.Date;
import java.util.List;
import java.util.Map;
import java.util.Set;
import org.aigrid.core.admit.Limits;
import org.aigrid.core.admit.Role;
import org.aigrid.core.model.ServiceTier;
import org.aigrid.live.books.BearerTokens.Settings;
import org.aigrid.live.books.TenantDirectory.Key;
import org.aigrid.live.books.TenantDirectory.Member;
import org.aigrid.live.books.TenantDirectory.Project;
import org.aigrid.live.books.TenantDirectory.Tenant;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class BearerTokensTest {
  private static final long NOW = 1_800_000_000_000L;
  private static final String ISSUER = "https://id.example";

  @TempDir static Path folder;
  private static RSAKey rsa;
  private static ECKey ec;
  private static KeyPair ed;
  private static BearerTokens tokens;

  @BeforeAll
  static void start() throws Exception {
    rsa = new RSAKeyGenerator(2_048).keyID("rsa").keyUse(KeyUse.SIGNATURE).generate();
    ec = new ECKeyGenerator(Curve.P_256).keyID("ec").generate();
    ed = KeyPairGenerator.getInstance("Ed25519").generateKeyPair();
    byte[] encoded = ed.getPublic().getEncoded();
    JWK edPublic =
        new OctetKeyPair.Builder(
                Curve.Ed25519,
                Base64URL.encode(Arrays.copyOfRange(encoded, encoded.length - 32, encoded.length)))
            .keyID("ed")
            .build();
    Path file = folder.resolve("jwks.json");
    Files.writeString(
        file, new JWKSet(List.of(rsa.toPublicJWK(), ec.toPublicJWK(), edPublic)).toString());
    tokens =
        BearerTokens.start(
            new Settings(
                ISSUER, "grid", file.toUri(), "tenant", "project", Duration.ofSeconds(60)));
  }

  @AfterAll
  static void stop() {
    tokens.close();
  }

  private static TenantDirectory directory(long revision, boolean active) {
    return directory(revision, active, Map.of());
  }

  private static TenantDirectory directory(long revision, boolean active, Map<Member, Role> roles) {
    var tenant =
        new Tenant("t", "T", active, true, ServiceTier.STANDARD, 1, Limits.NONE, List.of(), "");
    return new TenantDirectory(
        revision,
        "JPY",
        Map.of("t", tenant),
        Map.of(
            "t/default", new Project("t", "default", true, Limits.NONE, null, List.of(), ""),
            "t/p", new Project("t", "p", true, Limits.NONE, null, List.of(), "")),
        roles,
        Map.of(),
        List.of());
  }

  private static JWTClaimsSet.Builder claims() {
    return new JWTClaimsSet.Builder()
        .issuer(ISSUER)
        .audience(List.of("other", "grid"))
        .subject("somebody")
        .claim("tenant", "t")
        .expirationTime(new Date(NOW + 300_000));
  }

  private static String rs(JWTClaimsSet claims) throws Exception {
    var jwt = new SignedJWT(new JWSHeader.Builder(JWSAlgorithm.RS256).keyID("rsa").build(), claims);
    jwt.sign(new RSASSASigner(rsa));
    return jwt.serialize();
  }

  private static boolean good(String token) {
    return tokens.find(token, directory(1, true), NOW) != null;
  }

  @Test
  void allThreeAlgorithmsAreTaken() throws Exception {
    var es =
        new SignedJWT(
            new JWSHeader.Builder(JWSAlgorithm.ES256).keyID("ec").build(), claims().build());
    es.sign(new ECDSASigner(ec));
    var header = new JWSHeader.Builder(JWSAlgorithm.EdDSA).keyID("ed").build();
    String input =
        header.toBase64URL()
            + "."
            + Base64URL.encode(claims().claim("project", "p").build().toString());
    Signature signer = Signature.getInstance("Ed25519");
    signer.initSign(ed.getPrivate());
    signer.update(input.getBytes(StandardCharsets.US_ASCII));
    String edwards = input + "." + Base64URL.encode(signer.sign());
    assertThat(good(rs(claims().build()))).isTrue();
    assertThat(good(es.serialize())).isTrue();
    Key key = tokens.find(edwards, directory(1, true), NOW);
    assertThat(key).isNotNull();
    assertThat(key == null ? "" : key.id() + " " + key.project().id()).isEqualTo("oidc:somebody p");
    assertThat(good(edwards.substring(0, edwards.length() - 4) + "AAAA")).isFalse();
    assertThat(BearerTokens.looksLikeOne(edwards)).isTrue();
    assertThat(BearerTokens.looksLikeOne("sk-grid-abc")).isFalse();
  }

  @Test
  void whatIsNotForUsOrNotNowIsRefused() throws Exception {
    assertThat(good(rs(claims().issuer("https://evil.example").build()))).isFalse();
    assertThat(good(rs(claims().audience("other").build()))).isFalse();
    assertThat(good(rs(claims().expirationTime(null).build()))).isFalse();
    assertThat(good(rs(claims().expirationTime(new Date(NOW - 60_000)).build()))).isFalse();
    assertThat(good(rs(claims().expirationTime(new Date(NOW - 59_000)).build()))).isTrue();
    assertThat(good(rs(claims().notBeforeTime(new Date(NOW + 61_000)).build()))).isFalse();
    assertThat(good(rs(claims().issueTime(new Date(NOW + 61_000)).build()))).isFalse();
    assertThat(good(rs(claims().claim("tenant", null).build()))).isFalse();
    assertThat(good(rs(claims().claim("tenant", "nobody").build()))).isFalse();
    assertThat(good(rs(claims().claim("tenant", 7).build()))).isFalse();
    assertThat(good(rs(claims().claim("long", "x".repeat(9_000)).build()))).isFalse();
  }

  @Test
  void nobodyChoosesHowATokenIsChecked() throws Exception {
    var mac =
        new SignedJWT(
            new JWSHeader.Builder(JWSAlgorithm.HS256).keyID("rsa").build(), claims().build());
    mac.sign(new MACSigner(rsa.toRSAPublicKey().getEncoded()));
    assertThat(good(mac.serialize())).as("the public key as a secret").isFalse();
    String none =
        Base64URL.encode("{\"alg\":\"none\"}")
            + "."
            + Base64URL.encode(claims().build().toString())
            + ".";
    assertThat(good(none)).isFalse();
    RSAKey other = new RSAKeyGenerator(2_048).keyID("rsa").generate();
    var forged =
        new SignedJWT(
            new JWSHeader.Builder(JWSAlgorithm.RS256).keyID("rsa").build(), claims().build());
    forged.sign(new RSASSASigner(other));
    assertThat(good(forged.serialize())).isFalse();
    assertThat(good("ey..")).isFalse();
    assertThat(good("")).isFalse();
  }

  @Test
  void aRememberedTokenStillExpiresAndItsTenantStillCloses() throws Exception {
    String token = rs(claims().claim("nonce", "remembered").build());
    assertThat(tokens.find(token, directory(1, true), NOW)).isNotNull();
    assertThat(tokens.find(token, directory(2, false), NOW)).isNull();
    assertThat(tokens.find(token, directory(3, true), NOW)).isNotNull();
    assertThat(tokens.find(token, directory(3, true), NOW + 360_000)).isNull();
  }

  private static Set<String> scopes(String token, long revision, Map<Member, Role> roles) {
    Key key = tokens.find(token, directory(revision, true, roles), NOW);
    return key == null ? Set.of() : key.scopes();
  }

  @Test
  void aPersonMayWhatTheirRoleInTheTenantSays() throws Exception {
    String token = rs(claims().claim("nonce", "roles").build());
    var somebody = new Member("t", "somebody");
    assertThat(scopes(token, 10, Map.of(somebody, Role.OWNER)))
        .containsExactlyInAnyOrder("inference", "usage");
    assertThat(scopes(token, 11, Map.of(somebody, Role.AUDITOR))).containsExactly("usage");
    assertThat(scopes(token, 12, Map.of(somebody, Role.MEMBER))).containsExactly("inference");
    assertThat(scopes(token, 13, Map.of(somebody, Role.NONE)))
        .as("taken away from a token that is out and was good")
        .isEmpty();
    assertThat(scopes(token, 14, Map.of(new Member("other", "somebody"), Role.NONE)))
        .as("a role in another tenant")
        .containsExactly("inference");
  }

  @Test
  void ofWhomNothingWasSaidIsAMemberUnlessTheTenantSaysOtherwise() throws Exception {
    String token = rs(claims().claim("nonce", "else").build());
    var rest = new Member("t", Role.EVERYBODY_ELSE);
    assertThat(scopes(token, 20, Map.of())).containsExactly("inference");
    assertThat(scopes(token, 21, Map.of(rest, Role.NONE))).isEmpty();
    assertThat(scopes(token, 22, Map.of(rest, Role.NONE, new Member("t", "somebody"), Role.ADMIN)))
        .contains("inference", "usage");
    String nameless = rs(claims().subject(null).claim("nonce", "nameless").build());
    assertThat(scopes(nameless, 23, Map.of(rest, Role.NONE))).isEmpty();
    String star = rs(claims().subject("*").claim("nonce", "star").build());
    assertThat(scopes(star, 24, Map.of(rest, Role.NONE)))
        .as("who is called * is everybody else and not more")
        .isEmpty();
  }

  @Test
  void keysComeOnlyFromWhereNobodyCanChangeThem() {
    for (String wrong : List.of("http://id.example/keys", "ftp://id.example/keys", "keys.json")) {
      assertThatThrownBy(
              () -> new Settings(ISSUER, "grid", URI.create(wrong), "t", "", Duration.ZERO))
          .as(wrong)
          .hasMessageContaining("expected");
    }
  }

  @Test
  void aPersonWhoseNameIsTooLongToBeGivenARoleIsRefused() throws Exception {
    String longest = "p".repeat(256);
    String fits = rs(claims().subject(longest).build());
    String tooLong = rs(claims().subject(longest + "p").build());
    assertThat(tokens.find(fits, directory(1, true), NOW)).isNotNull();
    assertThat(
            tokens.find(fits, directory(2, true, Map.of(new Member("t", longest), Role.NONE)), NOW))
        .as("one by one")
        .isNull();
    assertThat(tokens.find(tooLong, directory(1, true), NOW)).isNull();
  }
}
