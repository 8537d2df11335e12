package org.aigrid.live.proof;

import java.net.URI;
import org.aigrid.live.outbound.OutboundAddress;

/// Addresses that the proof's clients will call: as `OutboundAddress` has them over https, and
/// without a query, since paths are put behind them. What a policy file says is an operator's word,
/// and still no reason to call whatever it names in the clear.
final class SafeUrls {
  private SafeUrls() {}

  static URI check(String url) {
    String bare = url.endsWith("/") ? url.substring(0, url.length() - 1) : url;
    URI uri = OutboundAddress.check("address", bare, OutboundAddress.Over.HTTPS);
    if (uri.getRawQuery() != null) {
      throw new IllegalArgumentException(
          "address '" + url.replaceAll("\\p{Cntrl}", "?") + "' (expected: no query behind '?')");
    }
    return uri;
  }
}
