package org.aigrid.live.outbound;

import java.net.InetAddress;
import java.net.UnknownHostException;
import java.net.spi.InetAddressResolver;
import java.net.spi.InetAddressResolverProvider;
import java.util.List;
import java.util.stream.Stream;

/// The JDK's own look-up of names, without the addresses that `OutboundAddress` refuses. The JDK
/// loads it for the whole process, so that it is asked by every client, each time it connects:
/// there is no moment between a check and a use in which a name could change. A name that leads
/// only to refused addresses is unknown. Thread-safe.
public final class OutboundResolverProvider extends InetAddressResolverProvider {
  @Override
  public InetAddressResolver get(Configuration configuration) {
    return over(configuration.builtinResolver());
  }

  /// A resolver that leaves out what is refused.
  static InetAddressResolver over(InetAddressResolver resolver) {
    return new InetAddressResolver() {
      @Override
      public Stream<InetAddress> lookupByName(String host, LookupPolicy policy)
          throws UnknownHostException {
        List<InetAddress> found = resolver.lookupByName(host, policy).toList();
        List<InetAddress> kept =
            found.stream().filter(address -> !OutboundAddress.refuses(address)).toList();
        if (kept.isEmpty() && !found.isEmpty()) {
          throw new UnknownHostException(
              host + " leads to link-local or metadata addresses only, which are not called");
        }
        return kept.stream();
      }

      @Override
      public String lookupByAddress(byte[] address) throws UnknownHostException {
        return resolver.lookupByAddress(address);
      }
    };
  }

  @Override
  public String name() {
    return "AI Grid: no link-local and metadata addresses";
  }
}
