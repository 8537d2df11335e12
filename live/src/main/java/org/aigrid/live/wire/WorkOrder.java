package org.aigrid.live.wire;

import java.net.URLDecoder;
import java.net.URLEncoder;
import java.nio.charset.StandardCharsets;
import java.security.MessageDigest;
import java.util.Base64;
import java.util.HexFormat;
import java.util.regex.Pattern;
import org.jspecify.annotations.Nullable;

/// What a gateway orders of one site, for one attempt of one request, signed and soon over.
///
/// A site does foreign work for nobody without one: it checks the signature, that it is meant, that
/// the order is fresh, and then, by its own copy of the tenant's policy, whether the work may be
/// done here at all. So a gateway that errs cannot place a tenant's work where that tenant's policy
/// forbids it, and what one site has seen is of no use at another. What it does not do: it binds
/// neither body nor path and may be used again until it is over, so that connections to sites
/// belong on one machine or under TLS; and who has a gateway's key can give orders in the name of
/// any tenant.
///
/// Text:
/// `2|gateway|site|request|attempt|tenant|project|jurisdictions|action|tier|rank|model|issued|expires|signature`,
/// times in milliseconds since 1970, jurisdictions `*` or a list such as `JP,DE`, the signature
/// base64url of HMAC-SHA-256 over all before it. The key is derived from the gateway's for that
/// site (`siteKey`), so that one site cannot sign what another accepts. Immutable; some 2 us to
/// sign or to check.
///
/// @param gateway who orders
/// @param site who is to do it
/// @param requestId of the client's request
/// @param attempt which try
/// @param tenant whose work it is
/// @param project of the tenant, `-` for none
/// @param jurisdictions to which the key and the request narrow it; `ANYWHERE` for no narrowing
/// @param action what is to be done, as policies call it: `infer` or `prewarm`
/// @param tier the service tier, as policies call it
/// @param rank the tier whose places it may have: its own, or a higher one when those that wait in
///   its own have earned a turn (`FairQueue`)
/// @param model as the client named it
/// @param issuedMs when
/// @param expiresMs when it is over
public record WorkOrder(
    String gateway,
    String site,
    String requestId,
    int attempt,
    String tenant,
    String project,
    String jurisdictions,
    String action,
    String tier,
    String rank,
    String model,
    long issuedMs,
    long expiresMs) {
  /// Not narrowed to jurisdictions.
  public static final String ANYWHERE = "*";

  /// How long an order holds: for a connection, a retry of it, and clocks that differ.
  public static final long LIFE_MS = 30_000;

  /// By how much clocks may differ.
  public static final long SKEW_MS_MAX = 5_000;

  private static final String VERSION = "2";
  private static final int FIELDS = 15;
  private static final int CHARS_MAX = 6_144;
  private static final int JURISDICTIONS_CHARS_MAX = 1_024;
  private static final int NAME_CHARS_MAX = 128;
  private static final int MODEL_CHARS_MAX = 256;
  private static final Pattern PLACES = Pattern.compile("|[A-Z]{2}(,[A-Z]{2})*");

  /// Why an order is not followed.
  public enum Fault {
    /// There is none, or what there is cannot be read.
    UNREADABLE,
    /// From a gateway that is not known, or signed by somebody else.
    FORGED,
    /// Meant for another site.
    OTHER_SITE,
    /// Not yet or no longer valid.
    STALE
  }

  /// An order that was checked, or why it is none.
  public sealed interface Checked {
    record Good(WorkOrder order) implements Checked {}

    record Bad(Fault fault) implements Checked {}
  }

  public WorkOrder {
    checkName(gateway);
    checkName(site);
    checkName(requestId);
    checkName(tenant);
    checkName(project);
    checkName(action);
    checkName(tier);
    checkName(rank);
    if (model.length() > MODEL_CHARS_MAX) {
      throw new IllegalArgumentException(
          "work order: model of " + model.length() + " characters (expected: at most 256)");
    }
    if (!jurisdictions.equals(ANYWHERE) && !PLACES.matcher(jurisdictions).matches()
        || jurisdictions.length() > JURISDICTIONS_CHARS_MAX
        || issuedMs < 0
        || attempt < 0
        || expiresMs < issuedMs) {
      throw new IllegalArgumentException(
          "work order: jurisdictions '"
              + jurisdictions
              + "', attempt "
              + attempt
              + ", issued "
              + issuedMs
              + ", expires "
              + expiresMs
              + " (expected: '*' or codes such as JP,DE; 0 or more; an end after the beginning)");
    }
  }

  private static void checkName(String name) {
    int length = name.length();
    boolean good = length > 0 && length <= NAME_CHARS_MAX;
    for (int i = 0; good && i < length; i++) {
      char c = name.charAt(i);
      good =
          c >= 'a' && c <= 'z'
              || c >= 'A' && c <= 'Z'
              || c >= '0' && c <= '9'
              || c == '.'
              || c == '_'
              || c == ':'
              || c == '-';
    }
    if (!good) {
      throw new IllegalArgumentException(
          "work order: '" + name + "' (expected: 1 to 128 letters, digits, '.', '_', ':' or '-')");
    }
  }

  /// The name under which a gateway with that secret signs.
  public static String gatewayId(String secret) {
    byte[] name = mac(secret.getBytes(StandardCharsets.UTF_8), "gateway");
    return "gw-" + HexFormat.of().formatHex(name, 0, 6);
  }

  /// Whether the order, as narrowed, leaves that jurisdiction; says nothing of the tenant's policy.
  public boolean permits(String jurisdiction) {
    if (jurisdictions.equals(ANYWHERE)) {
      return true;
    }
    for (String name : jurisdictions.split(",", -1)) {
      if (name.equals(jurisdiction)) {
        return true;
      }
    }
    return false;
  }

  /// The key with which a gateway signs for one site, and which that site alone is given.
  ///
  /// @param gatewayKey 32 random bytes of the gateway's
  public static byte[] siteKey(byte[] gatewayKey, String site) {
    return mac(gatewayKey, "work-order/" + site);
  }

  /// As a header's value.
  public String signed(byte[] siteKey) {
    return signed(new HmacKey(siteKey));
  }

  /// As above, with a key that is prepared already.
  public String signed(HmacKey siteKey) {
    String text = text();
    return text + '|' + base64(siteKey.of(text.getBytes(StandardCharsets.UTF_8)));
  }

  private String text() {
    return String.join(
        "|",
        VERSION,
        gateway,
        site,
        requestId,
        Integer.toString(attempt),
        tenant,
        project,
        jurisdictions,
        action,
        tier,
        rank,
        URLEncoder.encode(model, StandardCharsets.UTF_8),
        Long.toString(issuedMs),
        Long.toString(expiresMs));
  }

  /// Checks what came as an order.
  ///
  /// @param header null when none came
  /// @param site who is asked
  /// @param keyOf the key for this site of a gateway, null for gateways that are not known
  /// @param nowMs milliseconds since 1970
  public static Checked check(@Nullable String header, String site, GatewayKeys keyOf, long nowMs) {
    if (header == null || header.length() > CHARS_MAX) {
      return new Checked.Bad(Fault.UNREADABLE);
    }
    String[] fields = header.split("\\|", -1);
    if (fields.length != FIELDS || !fields[0].equals(VERSION)) {
      return new Checked.Bad(Fault.UNREADABLE);
    }
    byte[] key = keyOf.of(fields[1]);
    if (key == null) {
      return new Checked.Bad(Fault.FORGED);
    }
    String text = header.substring(0, header.lastIndexOf('|'));
    if (!MessageDigest.isEqual(
        base64(mac(key, text)).getBytes(StandardCharsets.US_ASCII),
        fields[FIELDS - 1].getBytes(StandardCharsets.US_ASCII))) {
      return new Checked.Bad(Fault.FORGED);
    }
    WorkOrder order;
    try {
      order =
          new WorkOrder(
              fields[1],
              fields[2],
              fields[3],
              Integer.parseInt(fields[4]),
              fields[5],
              fields[6],
              fields[7],
              fields[8],
              fields[9],
              fields[10],
              URLDecoder.decode(fields[11], StandardCharsets.UTF_8),
              Long.parseLong(fields[12]),
              Long.parseLong(fields[13]));
    } catch (IllegalArgumentException e) {
      return new Checked.Bad(Fault.UNREADABLE);
    }
    if (!order.site().equals(site)) {
      return new Checked.Bad(Fault.OTHER_SITE);
    }
    boolean fresh =
        nowMs >= order.issuedMs() - SKEW_MS_MAX
            && nowMs <= order.expiresMs() + SKEW_MS_MAX
            && order.expiresMs() - order.issuedMs() <= LIFE_MS;
    return fresh ? new Checked.Good(order) : new Checked.Bad(Fault.STALE);
  }

  /// The keys of the gateways that a site follows.
  @FunctionalInterface
  public interface GatewayKeys {
    /// Null for one that is not known.
    byte @Nullable [] of(String gateway);
  }

  private static byte[] mac(byte[] key, String text) {
    return new HmacKey(key).of(text.getBytes(StandardCharsets.UTF_8));
  }

  private static String base64(byte[] bytes) {
    return Base64.getUrlEncoder().withoutPadding().encodeToString(bytes);
  }
}
