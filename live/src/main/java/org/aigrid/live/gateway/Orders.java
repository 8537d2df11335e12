package org.aigrid.live.gateway;

import io.netty.handler.codec.http.HttpHeaders;
import java.nio.charset.StandardCharsets;
import java.util.List;
import java.util.Locale;
import java.util.concurrent.ConcurrentHashMap;
import org.aigrid.core.model.ServiceTier;
import org.aigrid.core.model.SiteSpec;
import org.aigrid.core.policy.PolicyAction;
import org.aigrid.core.policy.RequestFacts;
import org.aigrid.live.wire.GridHeaders;
import org.aigrid.live.wire.HmacKey;
import org.aigrid.live.wire.WorkOrder;

/// Signs what this gateway orders of sites. Safe for many threads; some 2 us an order. The keys of
/// sites that it has ordered from are kept; at `KEYS_MAX` all of them are dropped and made again as
/// they are needed, each for some microseconds.
final class Orders {
  private static final int KEYS_MAX = 4_096;

  private final byte[] key;
  private final ConcurrentHashMap<String, HmacKey> keys = new ConcurrentHashMap<>();
  private final String gateway;

  /// @param secret the gateway's own; sites have keys derived from it
  Orders(String secret) {
    key = secret.getBytes(StandardCharsets.UTF_8);
    gateway = WorkOrder.gatewayId(secret);
  }

  /// Signs an order, and says what goes with it to the site.
  ///
  /// @param facts of the request, as policies are asked with
  /// @param rank whose places it may have
  Signed sign(
      SiteSpec site,
      String requestId,
      int attempt,
      KeyEntry of,
      PolicyAction action,
      RequestFacts facts,
      ServiceTier rank) {
    List<String> narrowed = facts.jurisdictions();
    String model = facts.model();
    long nowMs = System.currentTimeMillis();
    var order =
        new WorkOrder(
            gateway,
            site.id(),
            requestId,
            attempt,
            of.tenant(),
            of.project(),
            narrowed == null ? WorkOrder.ANYWHERE : String.join(",", narrowed),
            action.word(),
            word(facts.tier()),
            word(rank),
            model == null ? "" : model,
            nowMs,
            nowMs + WorkOrder.LIFE_MS);
    return new Signed(order.signed(siteKey(site.id())), requestId);
  }

  private HmacKey siteKey(String site) {
    HmacKey known = keys.get(site);
    if (known != null) {
      return known;
    }
    if (keys.size() >= KEYS_MAX) {
      keys.clear();
    }
    return keys.computeIfAbsent(site, id -> new HmacKey(WorkOrder.siteKey(key, id)));
  }

  private static String word(ServiceTier tier) {
    return tier.name().toLowerCase(Locale.ROOT);
  }

  /// A signed order and what goes with it.
  record Signed(String order, String requestId) {
    void put(HttpHeaders headers) {
      headers.set(GridHeaders.ORDER, order).set(GridHeaders.REQUEST_ID, requestId);
    }
  }
}
