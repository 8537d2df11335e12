package org.aigrid.live.proof;

import java.net.URI;

/// Addresses that the proof's clients will call: https, or http on this machine, without user
/// names, queries or fragments. What a policy file says is an operator's word, and still no reason
/// to call whatever it names in the clear.
final class SafeUrls {
  private SafeUrls() {}

  static URI check(String url) {
    URI uri;
    try {
      uri = URI.create(url.endsWith("/") ? url.substring(0, url.length() - 1) : url);
    } catch (IllegalArgumentException e) {
      throw refused(url);
    }
    String host = uri.getHost();
    boolean loopback =
        host != null
            && (host.equals("localhost")
                || host.equals("[::1]")
                || host.matches("127(\\.\\d+){3}"));
    boolean scheme =
        "https".equalsIgnoreCase(uri.getScheme())
            || "http".equalsIgnoreCase(uri.getScheme()) && loopback;
    if (host == null
        || !scheme
        || uri.getUserInfo() != null
        || uri.getQuery() != null
        || uri.getFragment() != null) {
      throw refused(url);
    }
    return uri;
  }

  private static IllegalArgumentException refused(String url) {
    return new IllegalArgumentException(
        "address '"
            + url.replaceAll("\\p{Cntrl}", "?")
            + "' (expected: https://HOST/..., or http:// on this machine)");
  }
}
