package org.aigrid.live.outbound;

import java.net.Inet4Address;
import java.net.Inet6Address;
import java.net.InetAddress;
import java.net.URI;
import java.util.Arrays;
import java.util.List;
import java.util.Locale;
import java.util.Set;
import java.util.regex.Pattern;
import java.util.stream.Collectors;
import org.jspecify.annotations.Nullable;

/// Whether the grid may call an address: engines' servers, radios' metrics pages, an identity
/// provider's keys, witnesses, logs.
///
/// An address is a web address with a host, without user name and fragment, and not among those
/// that only ever name the machine's own cloud: link-local (RFC 3927, RFC 4291) and the metadata
/// services of clouds, in whatever form they are written. Private ranges are permitted: an
/// operator's sites live there. A name is looked at twice: as it is written, here, and as it
/// resolves, each time it does (`OutboundResolverProvider`), so that a name which is good today and
/// points elsewhere tomorrow reaches nothing.
///
/// `-Dgrid.outbound.allow=169.254.7.1,...` permits single addresses that an operator needs. Callers
/// follow no redirects, and bound the bytes and the time of each answer. Stateless.
public final class OutboundAddress {
  /// Over which schemes.
  public enum Over {
    /// http or https: within an operator's own network.
    HTTP,
    /// https, or http on this machine: what has to come unchanged.
    HTTPS
  }

  /// Names the addresses that are permitted although they are link-local or a cloud's.
  public static final String ALLOW_PROPERTY = "grid.outbound.allow";

  /// What clouds answer metadata and credentials at, besides link-local 169.254.169.254.
  private static final Set<InetAddress> METADATA =
      List.of("100.100.100.200", "168.63.129.16", "192.0.0.192", "fd00:ec2::254", "fd20:ce::254")
          .stream()
          .map(InetAddress::ofLiteral)
          .collect(Collectors.toUnmodifiableSet());

  private static final Set<String> METADATA_NAMES =
      Set.of("metadata", "metadata.google.internal", "metadata.goog", "instance-data");

  private static final Pattern NUMBER =
      Pattern.compile("(.*\\.)?(0x[0-9a-f]*|[0-9]+)", Pattern.CASE_INSENSITIVE);

  private static final byte[] NAT64 = {0, 0x64, (byte) 0xff, (byte) 0x9b};

  private OutboundAddress() {}

  /// The address, if it may be called.
  ///
  /// @param what it is for, as the message begins: `upstream`
  /// @throws IllegalArgumentException with one sentence; a password in the address is not quoted
  public static URI check(String what, URI url, Over over) {
    String reason = fault(url, over);
    if (reason != null) {
      throw new IllegalArgumentException(
          what + " '" + shown(url) + "': " + reason + expected(over));
    }
    return url;
  }

  /// As above, of a text.
  public static URI check(String what, String url, Over over) {
    URI uri;
    try {
      uri = URI.create(url);
    } catch (IllegalArgumentException e) {
      throw new IllegalArgumentException(
          what
              + " '"
              + printable(url.indexOf('@') < 0 ? url : "...")
              + "': it is no address"
              + expected(over),
          e);
    }
    return check(what, uri, over);
  }

  private static @Nullable String fault(URI url, Over over) {
    String scheme = url.getScheme() == null ? "" : url.getScheme().toLowerCase(Locale.ROOT);
    if (url.getRawUserInfo() != null || url.getHost() == null && hasAt(url)) {
      return "it holds a user name or password";
    }
    String host = url.getHost();
    if (host == null || host.isEmpty()) {
      return "it names no host";
    }
    boolean fits =
        scheme.equals("https") || scheme.equals("http") && (over == Over.HTTP || isLoopback(host));
    if (!fits) {
      return over == Over.HTTP ? "it is not over http or https" : "it is not over https";
    }
    if (url.getRawFragment() != null) {
      return "it has a fragment";
    }
    if (url.getPort() == 0 || url.getPort() > 65_535) {
      return "port " + url.getPort();
    }
    String name = host.toLowerCase(Locale.ROOT);
    name = name.endsWith(".") ? name.substring(0, name.length() - 1) : name;
    if (METADATA_NAMES.contains(name)) {
      return "it is a cloud's metadata service";
    }
    InetAddress literal = literal(host);
    if (literal == null && NUMBER.matcher(name).matches()) {
      return "its host is a number"; // which some resolvers take for an address
    }
    if (literal != null && refuses(literal)) {
      return "it is link-local or a cloud's metadata service";
    }
    return null;
  }

  private static boolean hasAt(URI url) {
    return url.getRawAuthority() != null && url.getRawAuthority().indexOf('@') >= 0;
  }

  /// Whether a host, as written, is this machine.
  public static boolean isLoopback(String host) {
    InetAddress literal = literal(host);
    return host.equalsIgnoreCase("localhost") || literal != null && literal.isLoopbackAddress();
  }

  /// Whether nothing may be sent to an address, whatever name led there.
  public static boolean refuses(InetAddress address) {
    InetAddress meant = meant(address);
    return (meant.isLinkLocalAddress() || METADATA.contains(unscoped(meant)))
        && !allowed(address)
        && !allowed(meant);
  }

  private static boolean allowed(InetAddress address) {
    String list = System.getProperty(ALLOW_PROPERTY, "");
    if (list.isBlank()) {
      return false;
    }
    return Arrays.stream(list.split(","))
        .map(one -> literal(one.strip()))
        .anyMatch(one -> one != null && unscoped(one).equals(unscoped(address)));
  }

  /// The IPv4 address within an IPv6 address that stands for one (RFC 4291, RFC 6052, RFC 3056).
  private static InetAddress meant(InetAddress address) {
    if (!(address instanceof Inet6Address six)) {
      return address;
    }
    byte[] bytes = six.getAddress();
    if (six.isIPv4CompatibleAddress() && !six.isLoopbackAddress() && !six.isAnyLocalAddress()) {
      return four(bytes, 12);
    }
    if (Arrays.equals(bytes, 0, 4, NAT64, 0, 4)) {
      return four(bytes, 12);
    }
    return bytes[0] == 0x20 && bytes[1] == 0x02 ? four(bytes, 2) : address;
  }

  private static InetAddress four(byte[] bytes, int from) {
    return of(Arrays.copyOfRange(bytes, from, from + 4));
  }

  private static InetAddress unscoped(InetAddress address) {
    return address instanceof Inet4Address ? address : of(address.getAddress());
  }

  private static InetAddress of(byte[] bytes) {
    try {
      return InetAddress.getByAddress(bytes);
    } catch (java.net.UnknownHostException e) {
      throw new IllegalStateException("an address of " + bytes.length + " bytes", e);
    }
  }

  /// Without asking anybody; null for a name.
  private static @Nullable InetAddress literal(String host) {
    String bare =
        host.startsWith("[") && host.endsWith("]") ? host.substring(1, host.length() - 1) : host;
    int scope = bare.indexOf('%');
    try {
      return InetAddress.ofLiteral(scope < 0 ? bare : bare.substring(0, scope));
    } catch (IllegalArgumentException e) {
      return null;
    }
  }

  private static String expected(Over over) {
    return over == Over.HTTP
        ? " (expected: a URL, http://host:port/..., without user name and fragment)"
        : " (expected: https://host/..., or http:// on this machine, without user name and"
            + " fragment)";
  }

  private static String shown(URI url) {
    String text = url.toString();
    int at = text.lastIndexOf('@');
    return printable(at < 0 ? text : "..." + text.substring(at));
  }

  private static String printable(String text) {
    String shown = text.length() > 256 ? text.substring(0, 256) + "..." : text;
    return shown.replaceAll("\\p{Cntrl}", "?");
  }
}
