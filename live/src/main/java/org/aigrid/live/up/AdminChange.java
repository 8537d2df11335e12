package org.aigrid.live.up;

import java.math.BigDecimal;
import java.nio.charset.StandardCharsets;
import java.time.Instant;
import java.util.HexFormat;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.TreeMap;
import java.util.TreeSet;
import org.aigrid.core.model.ServiceTier;
import org.aigrid.live.tlog.Hash;
import org.jspecify.annotations.Nullable;
import tools.jackson.databind.JsonNode;

/// What an administrator has changed, as far as everybody may know it: the transparency log is
/// public. Of an order about a tenant that is the order's name, limits, and which policy holds; no
/// name, no id of a key, no money, no reference, no note, no person. It is built up from what may
/// be said, so that what an order learns to carry later stays out. All of it is in the audit table.
/// Immutable.
///
/// @param order such as `tenants.policy`
/// @param tenant whose; the log has its pseudonym. Null where it is nobody's, and of a key that is
///   nobody's
/// @param project of the tenant; the log has its digest under the tenant's key. Null for none
/// @param subject of an order that is about no tenant: a model, an administrator's token, a site
/// @param details names and values
/// @param who the name of an administrator's token, or `session`
record AdminChange(
    String order,
    @Nullable String tenant,
    @Nullable String project,
    String subject,
    Map<String, String> details,
    String who) {
  /// Of the grid's own token; what its caller calls itself is for the audit table.
  static final String SESSION = "session";

  private static final int VALUE_CHARS_MAX = 400; // of a log entry's detail
  private static final List<String> LIMITS =
      List.of("requestsPerSecond", "requestsPerMinute", "tokensPerMinute", "concurrent", "weight");
  private static final List<String> PRICES = List.of("prompt", "cached", "output");

  AdminChange {
    details = Map.copyOf(details);
  }

  /// Of an order that was carried out.
  ///
  /// @param tenant whose it was, where the order itself says it by a key only
  static AdminChange of(String order, JsonNode in, @Nullable String tenant, String who) {
    String whose = in.has("tenant") ? in.path("tenant").asString("") : tenant;
    boolean ofTenant = order.startsWith("tenants.") || order.startsWith("keys.");
    return new AdminChange(
        order,
        ofTenant ? whose : null,
        ofTenant && in.path("project").isString() ? in.path("project").stringValue() : null,
        ofTenant ? "" : in.path(order.startsWith("prices.") ? "model" : "name").asString(""),
        details(order, in),
        visibly(who));
  }

  /// Of an order about a site.
  static AdminChange ofSite(String action, String site, String detail, String who) {
    return new AdminChange(
        action,
        null,
        null,
        site,
        detail.isEmpty() ? Map.of() : Map.of("detail", detail),
        visibly(who));
  }

  private static String visibly(String who) {
    return who.startsWith(SESSION + "/") ? SESSION : who;
  }

  private static Map<String, String> details(String order, JsonNode in) {
    var details = new TreeMap<String, String>();
    switch (order) {
      case "tenants.limit", "keys.new" -> {
        for (String name : LIMITS) {
          if (in.path(name).isNumber()) {
            details.put(name, Long.toString(in.path(name).asLong(0)));
          }
        }
        if (in.path("tierCeiling").isString()) {
          details.put("tierCeiling", tier(in.path("tierCeiling").stringValue()));
        }
        if (in.path("none").asBoolean(false)) {
          details.put("limits", "none");
        }
      }
      case "tenants.policy" -> policy(in, details);
      case "prices.set" -> {
        for (String name : PRICES) {
          if (!in.path(name).asString("").isBlank()) {
            details.put(name, new BigDecimal(in.path(name).asString("0")).toPlainString());
          }
        }
        if (in.path("tier").isString()) {
          details.put("tier", tier(in.path("tier").stringValue()));
        }
        if (in.has("from")) {
          details.put("from", Instant.parse(in.path("from").asString("")).toString());
        }
      }
      default -> {} // its name says it
    }
    return details;
  }

  /// Enough to find out whether a text that somebody shows is the one that was set.
  private static void policy(JsonNode in, Map<String, String> details) {
    byte[] text = in.path("policy").asString("").getBytes(StandardCharsets.UTF_8);
    details.put("policySha256", HexFormat.of().formatHex(Hash.sha256(text)));
    details.put("policyBytes", Integer.toString(text.length));
    var codes = new TreeSet<String>();
    in.path("jurisdictions").valueStream().forEach(one -> codes.add(one.asString("")));
    String all = String.join(" ", codes);
    details.put("jurisdictions", all.substring(0, Math.min(all.length(), VALUE_CHARS_MAX)));
    if (all.length() > VALUE_CHARS_MAX) { // a code for every country is 746 characters
      details.put(
          "jurisdictions-2",
          all.substring(VALUE_CHARS_MAX, Math.min(all.length(), 2 * VALUE_CHARS_MAX)).strip());
    }
  }

  /// Only what is a tier: an order that was carried out says nothing else.
  private static String tier(String word) {
    return ServiceTier.valueOf(word.toUpperCase(Locale.ROOT)).name().toLowerCase(Locale.ROOT);
  }
}
