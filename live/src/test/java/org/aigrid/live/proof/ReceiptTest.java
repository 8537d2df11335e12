package org.aigrid.live.proof;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.nio.charset.StandardCharsets;
import java.util.Collections;
import java.util.List;
import java.util.Map;
import org.aigrid.live.tlog.FormatException;
import org.junit.jupiter.api.Test;

/// What a receipt says, byte for byte.
class ReceiptTest {
  private static String json(Map<String, Object> map) {
    return new String(CanonicalJson.bytes(map), StandardCharsets.UTF_8);
  }

  @Test
  void membersAreSortedByUtf16UnitsAsRfc8785ShowsIt() {
    assertThat(
            json(
                Map.of(
                    "\u20ac",
                    "Euro Sign",
                    "\r",
                    "Carriage Return",
                    "\ufb33",
                    "Hebrew Letter",
                    "1",
                    "One",
                    "\ud83d\ude00",
                    "Smiley",
                    "\u0080",
                    "Control",
                    "\u00f6",
                    "o")))
        .isEqualTo(
            "{\"\\r\":\"Carriage Return\",\"1\":\"One\",\"\u0080\":\"Control\",\"\u00f6\":\"o\","
                + "\"\u20ac\":\"Euro Sign\",\"\ud83d\ude00\":\"Smiley\",\"\ufb33\":\"Hebrew Letter\"}");
  }

  @Test
  void stringsHaveTheShortestEscapes() {
    assertThat(json(Map.of("a", "\u20ac$\u000f\nA'B\"\\/\b\f\t")))
        .isEqualTo("{\"a\":\"\u20ac$\\u000f\\nA'B\\\"\\\\/\\b\\f\\t\"}");
  }

  @Test
  void whatHasNoExactSpellingIsRefused() {
    assertThat(json(Map.of("a", (1L << 53) - 1))).isEqualTo("{\"a\":9007199254740991}");
    for (Object odd : List.of(1L << 53, Long.MIN_VALUE, 1.5, "\ud83d", "\ude00x", 'c')) {
      assertThatThrownBy(() -> json(Map.of("a", odd))).isInstanceOf(FormatException.class);
    }
    for (String odd :
        List.of(
            "{ }",
            "{\"b\":1,\"a\":2}",
            "{\"a\":1,\"a\":1}",
            "{\"a\":1.0}",
            "{\"a\":null}",
            "[]",
            "{\"a\":\"\\u0041\"}",
            "{\"a\":1}x",
            "{\"a\":01}",
            "")) {
      assertThatThrownBy(() -> CanonicalJson.parse(odd.getBytes(StandardCharsets.UTF_8)))
          .as(odd)
          .isInstanceOf(FormatException.class);
    }
  }

  @Test
  void aReceiptIsOneCanonicalLine() {
    assertThat(new String(Receipts.of("req-1").bytes(), StandardCharsets.UTF_8))
        .isEqualTo(
            "{\"attempts\":[{\"jurisdiction\":\"JP\",\"operator\":\"op-a\",\"outcome\":\"completed\","
                + "\"site\":\"site-tokyo\"}],\"ended\":1783000000250,\"jurisdiction\":\"JP\","
                + "\"locationLevel\":\"L1\",\"model\":\"llama-3.1-8b\",\"operator\":\"op-a\","
                + "\"outcome\":\"completed\",\"policyHash\":\"sha256:aa\","
                + "\"requestDigest\":\"hmac-sha256:01\",\"requestId\":\"req-1\","
                + "\"responseDigest\":\"hmac-sha256:02\",\"site\":\"site-tokyo\","
                + "\"siteOperator\":\"op-a\",\"started\":1783000000000,"
                + "\"tenantPseudonym\":\"c0ffee\",\"tls\":\"gateway-1\",\"type\":\"receipt\","
                + "\"usage\":{\"cached\":40,\"class\":\"interactive\",\"completion\":20,"
                + "\"prompt\":100},\"v\":1,\"viewRevision\":17}");
    LogEntry.Read read = LogEntry.read(Receipts.of("req-1").bytes());
    assertThat(read.receipt()).isTrue();
    assertThat(read.id()).isEqualTo("req-1");
  }

  @Test
  void theLargestEntriesFit() {
    String longest = "\"".repeat(200);
    Receipt receipt =
        new Receipt(
            longest,
            longest,
            longest,
            longest,
            longest,
            longest,
            longest,
            Collections.nCopies(
                Receipt.ATTEMPTS_MAX, new Receipt.Attempt(longest, longest, longest, longest)),
            longest,
            1,
            longest,
            longest,
            longest,
            longest,
            longest,
            new Receipt.Usage(1, 1, 1, longest),
            longest,
            longest,
            0,
            1,
            longest);
    assertThat(receipt.bytes().length).isLessThanOrEqualTo(LogEntry.BYTES_MAX);
    assertThat(LogEntry.read(receipt.bytes()).json().size())
        .as("canonical, with every member")
        .isEqualTo(23);
    var details = new java.util.HashMap<String, String>();
    for (int i = 0; i < 32; i++) {
      details.put("\"".repeat(98) + (10 + i), "\u20ac".repeat(400));
    }
    var change = new GridChange(GridChange.Kind.ADMIN, longest, 0, longest, longest, details);
    assertThat(change.bytes().length).isLessThanOrEqualTo(LogEntry.BYTES_MAX);
  }

  @Test
  void fieldsThatCouldCarryContentAreRefused() {
    assertThatThrownBy(() -> Receipts.of("a prompt with spaces"))
        .isInstanceOf(IllegalArgumentException.class)
        .hasMessageContaining("requestId")
        .hasMessageNotContaining("prompt with");
    assertThatThrownBy(() -> Receipts.of("x".repeat(201)))
        .isInstanceOf(IllegalArgumentException.class);
  }

  @Test
  void digestsAreKeyedByTenant() {
    byte[] secret = new byte[32];
    var a = new TenantDigests(secret, "tenant-a");
    var b = new TenantDigests(secret, "tenant-b");
    byte[] prompt = "yes".getBytes(StandardCharsets.UTF_8);
    assertThat(a.of(prompt)).isEqualTo(a.of(prompt)).isNotEqualTo(b.of(prompt));
    assertThat(a.pseudonym()).hasSize(32).isNotEqualTo(b.pseudonym());
    TenantDigests.Running pieces = a.begin();
    pieces.update(java.nio.ByteBuffer.wrap(prompt, 0, 1));
    pieces.update(java.nio.ByteBuffer.wrap(prompt, 1, 2));
    assertThat(pieces.end()).isEqualTo(a.of(prompt));
    assertThatThrownBy(() -> new TenantDigests(new byte[8], "t"))
        .isInstanceOf(IllegalArgumentException.class);
  }
}
