package org.aigrid.fuzz;

import java.net.InetAddress;
import java.net.URI;
import java.nio.charset.StandardCharsets;
import org.aigrid.live.outbound.OutboundAddress;

/// An address that the grid is told to call: what passes names no user, and is not link-local,
/// however it is written.
public final class AddressTarget {
  private AddressTarget() {}

  /// Called by the fuzzer.
  public static void fuzzerTestOneInput(byte[] input) {
    String text = new String(input, StandardCharsets.UTF_8);
    URI url;
    try {
      url = OutboundAddress.check("address", text, OutboundAddress.Over.HTTP);
    } catch (IllegalArgumentException e) {
      String message = String.valueOf(e.getMessage());
      Finding.unless(
          message.length() < 600 && message.indexOf('\n') < 0, "a message that is no sentence");
      return;
    }
    Finding.unless(url.getRawUserInfo() == null, "a user name in " + url);
    InetAddress literal;
    try {
      literal = InetAddress.ofLiteral(url.getHost().replaceAll("[\\[\\]]", ""));
    } catch (IllegalArgumentException e) {
      return; // a name
    }
    Finding.unless(!literal.isLinkLocalAddress(), "a link-local address: " + url);
  }
}
