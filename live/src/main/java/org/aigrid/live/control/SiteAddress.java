package org.aigrid.live.control;

/// Where a site agent listens. Immutable.
///
/// @param host name or address literal
/// @param port 1 to 65,535
public record SiteAddress(String host, int port) {
  public SiteAddress {
    if (host.isBlank() || port < 1 || port > 65_535) {
      throw new IllegalArgumentException(
          "site address '" + host + ":" + port + "' (expected: host:port, port 1 to 65535)");
    }
  }

  @Override
  public String toString() {
    return host + ":" + port;
  }
}
