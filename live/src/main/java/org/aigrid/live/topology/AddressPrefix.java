package org.aigrid.live.topology;

import java.net.InetAddress;
import java.util.Arrays;

/// A network in CIDR notation, such as `10.1.0.0/16` or `2001:db8::/32`. Immutable; never looks a
/// name up.
public final class AddressPrefix {
  private final byte[] address;
  private final int bits;

  private AddressPrefix(byte[] address, int bits) {
    this.address = address;
    this.bits = bits;
  }

  /// Reads `address/bits`; a bare address is a network of one. Bits beyond the prefix must be zero,
  /// because `10.1.2.3/16` is nearly always a mistake.
  public static AddressPrefix parse(String text) {
    int slash = text.indexOf('/');
    String host = slash < 0 ? text : text.substring(0, slash);
    byte[] address;
    try {
      // The library also takes 10.1 for 10.0.0.1.
      if (host.indexOf(':') < 0 && host.chars().filter(c -> c == '.').count() != 3) {
        throw new IllegalArgumentException("not four numbers");
      }
      address = InetAddress.ofLiteral(host).getAddress();
    } catch (IllegalArgumentException e) {
      throw new IllegalArgumentException(
          "'" + text + "' is no network (expected: address/bits, such as 10.1.0.0/16)", e);
    }
    int bits = address.length * 8;
    if (slash >= 0) {
      try {
        bits = Integer.parseInt(text.substring(slash + 1));
      } catch (NumberFormatException e) {
        bits = -1;
      }
    }
    if (bits < 0 || bits > address.length * 8) {
      throw new IllegalArgumentException(
          "'" + text + "': bad length (expected: 0 to " + address.length * 8 + " after the slash)");
    }
    for (int bit = bits; bit < address.length * 8; bit++) {
      if ((address[bit / 8] >> (7 - bit % 8) & 1) != 0) {
        throw new IllegalArgumentException(
            "'" + text + "' has bits set beyond /" + bits + " (expected: zeros there)");
      }
    }
    return new AddressPrefix(address, bits);
  }

  /// How many leading bits count.
  public int bits() {
    return bits;
  }

  /// Whether an address lies in this network. IPv4 and IPv6 never match each other.
  public boolean contains(InetAddress candidate) {
    byte[] other = candidate.getAddress();
    if (other.length != address.length) {
      return false;
    }
    int whole = bits / 8;
    if (!Arrays.equals(address, 0, whole, other, 0, whole)) {
      return false;
    }
    int rest = bits % 8;
    return rest == 0 || ((address[whole] ^ other[whole]) & 0xff) >> (8 - rest) == 0;
  }

  @Override
  public boolean equals(Object other) {
    return other instanceof AddressPrefix that
        && bits == that.bits
        && Arrays.equals(address, that.address);
  }

  @Override
  public int hashCode() {
    return 31 * Arrays.hashCode(address) + bits;
  }

  /// The network in CIDR notation.
  @Override
  public String toString() {
    try {
      return InetAddress.getByAddress(address).getHostAddress() + "/" + bits;
    } catch (java.net.UnknownHostException e) {
      throw new IllegalStateException("an address of " + address.length + " bytes", e);
    }
  }
}
