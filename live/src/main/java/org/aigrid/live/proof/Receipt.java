package org.aigrid.live.proof;

import java.nio.charset.StandardCharsets;
import java.util.List;
import org.jspecify.annotations.Nullable;

/// What the grid states about one request, without its content: who (by pseudonym), when, where it
/// ran and was tried, by which rules, how much, with which end. Immutable; about 750 bytes as JSON.
///
/// Digests are keyed (`TenantDigests`): a plain hash of a short prompt could be guessed. Nothing in
/// a receipt is a prompt, an answer, a name or an address.
///
/// @param operator who issues it
/// @param requestId the request's id, as the response carried it
/// @param tenantPseudonym HMAC of the tenant
/// @param site where it ended; the last one tried when it failed
/// @param siteOperator who runs that site
/// @param jurisdiction of that site, ISO 3166
/// @param locationLevel how that is known: `L1` asserted, `L2` measured, `L3` rooted in hardware
/// @param attempts every site that was sent the request, in order, the last one included; empty
///   when it was refused before any
/// @param policyHash which rules decided
/// @param viewRevision which view of the grid they saw
/// @param decisionHash hash of the explanation of the choice, or null
/// @param model the model that answered
/// @param modelHash hash of its weights, or null
/// @param requestDigest keyed digest of the request body
/// @param responseDigest keyed digest of the response body
/// @param usage tokens
/// @param outcome `completed`, `cut`, `refused`, `failed`, `cancelled` ...
/// @param tls where TLS ended
/// @param startedMs UTC milliseconds
/// @param endedMs UTC milliseconds
/// @param attestation hash of the attestation evidence, or null
public record Receipt(
    String operator,
    String requestId,
    String tenantPseudonym,
    String site,
    String siteOperator,
    String jurisdiction,
    String locationLevel,
    List<Attempt> attempts,
    String policyHash,
    long viewRevision,
    @Nullable String decisionHash,
    String model,
    @Nullable String modelHash,
    String requestDigest,
    String responseDigest,
    Usage usage,
    String outcome,
    String tls,
    long startedMs,
    long endedMs,
    @Nullable String attestation)
    implements LogEntry {
  static final String TYPE = "receipt";
  static final int VERSION = 1;
  private static final int CHARS_MAX = 200;

  /// Sites of one request; retries, failovers and moves are far fewer.
  public static final int ATTEMPTS_MAX = 32;

  /// One site that was sent the request.
  ///
  /// @param site its id
  /// @param operator who runs it
  /// @param jurisdiction where it is
  /// @param outcome how it went there
  public record Attempt(String site, String operator, String jurisdiction, String outcome) {
    public Attempt {
      LogEntry.checkPlain("attempt site", site, CHARS_MAX);
      LogEntry.checkPlain("attempt operator", operator, CHARS_MAX);
      LogEntry.checkPlain("attempt jurisdiction", jurisdiction, CHARS_MAX);
      LogEntry.checkPlain("attempt outcome", outcome, CHARS_MAX);
    }
  }

  /// Tokens of a request.
  ///
  /// @param promptTokens all of the prompt
  /// @param cachedTokens of these from a cache
  /// @param completionTokens made
  /// @param serviceTier class of service
  public record Usage(
      long promptTokens, long cachedTokens, long completionTokens, String serviceTier) {
    public Usage {
      if (promptTokens < 0 || cachedTokens < 0 || completionTokens < 0) {
        throw new IllegalArgumentException(
            "usage "
                + promptTokens
                + "/"
                + cachedTokens
                + "/"
                + completionTokens
                + " (expected: 0 or more each)");
      }
      LogEntry.checkPlain("service tier", serviceTier, CHARS_MAX);
    }
  }

  public Receipt {
    attempts = List.copyOf(attempts);
    LogEntry.checkPlain("operator", operator, CHARS_MAX);
    LogEntry.checkPlain("requestId", requestId, CHARS_MAX);
    LogEntry.checkPlain("tenantPseudonym", tenantPseudonym, CHARS_MAX);
    LogEntry.checkPlain("site", site, CHARS_MAX);
    LogEntry.checkPlain("siteOperator", siteOperator, CHARS_MAX);
    LogEntry.checkPlain("jurisdiction", jurisdiction, CHARS_MAX);
    LogEntry.checkPlain("locationLevel", locationLevel, CHARS_MAX);
    LogEntry.checkPlain("policyHash", policyHash, CHARS_MAX);
    LogEntry.checkPlain("model", model, CHARS_MAX);
    LogEntry.checkPlain("requestDigest", requestDigest, CHARS_MAX);
    LogEntry.checkPlain("responseDigest", responseDigest, CHARS_MAX);
    LogEntry.checkPlain("outcome", outcome, CHARS_MAX);
    LogEntry.checkPlain("tls", tls, CHARS_MAX);
    checkOptional("decisionHash", decisionHash);
    checkOptional("modelHash", modelHash);
    checkOptional("attestation", attestation);
    if (attempts.size() > ATTEMPTS_MAX) {
      throw new IllegalArgumentException(
          "attempts: " + attempts.size() + " (expected: at most " + ATTEMPTS_MAX + ")");
    }
    if (viewRevision < 0 || startedMs < 0 || endedMs < startedMs) {
      throw new IllegalArgumentException(
          "viewRevision "
              + viewRevision
              + ", started "
              + startedMs
              + ", ended "
              + endedMs
              + " (expected: 0 or more, ended not before started)");
    }
  }

  private static void checkOptional(String field, @Nullable String value) {
    if (value != null) {
      LogEntry.checkPlain(field, value, CHARS_MAX);
    }
  }

  @Override
  public String type() {
    return TYPE;
  }

  @Override
  public String id() {
    return requestId;
  }

  /// Written member by member in the order that RFC 8785 asks for, without a tree: the log's writer
  /// does this for every request, on the gateway's processors.
  @Override
  public byte[] bytes() {
    var out = new StringBuilder(1_024);
    out.append("{\"attempts\":[");
    for (int i = 0; i < attempts.size(); i++) {
      Attempt attempt = attempts.get(i);
      out.append(i == 0 ? "{" : ",{");
      text(out, "jurisdiction", attempt.jurisdiction());
      text(out, "operator", attempt.operator());
      text(out, "outcome", attempt.outcome());
      text(out, "site", attempt.site());
      out.setCharAt(out.length() - 1, '}');
    }
    out.append("],");
    text(out, "attestation", attestation);
    text(out, "decisionHash", decisionHash);
    number(out, "ended", endedMs);
    text(out, "jurisdiction", jurisdiction);
    text(out, "locationLevel", locationLevel);
    text(out, "model", model);
    text(out, "modelHash", modelHash);
    text(out, "operator", operator);
    text(out, "outcome", outcome);
    text(out, "policyHash", policyHash);
    text(out, "requestDigest", requestDigest);
    text(out, "requestId", requestId);
    text(out, "responseDigest", responseDigest);
    text(out, "site", site);
    text(out, "siteOperator", siteOperator);
    number(out, "started", startedMs);
    text(out, "tenantPseudonym", tenantPseudonym);
    text(out, "tls", tls);
    text(out, "type", TYPE);
    out.append("\"usage\":{");
    number(out, "cached", usage.cachedTokens());
    text(out, "class", usage.serviceTier());
    number(out, "completion", usage.completionTokens());
    number(out, "prompt", usage.promptTokens());
    out.setCharAt(out.length() - 1, '}');
    out.append(',');
    number(out, "v", VERSION);
    number(out, "viewRevision", viewRevision);
    out.setCharAt(out.length() - 1, '}');
    return out.toString().getBytes(StandardCharsets.US_ASCII); // as checked
  }

  private static void text(StringBuilder out, String name, @Nullable String value) {
    if (value != null) {
      out.append('"').append(name).append("\":");
      CanonicalJson.writeString(value, out);
      out.append(',');
    }
  }

  private static void number(StringBuilder out, String name, long value) {
    out.append('"').append(name).append("\":");
    CanonicalJson.writeInteger(value, out);
    out.append(',');
  }
}
