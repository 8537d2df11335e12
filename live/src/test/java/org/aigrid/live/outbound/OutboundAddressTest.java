package org.aigrid.live.outbound;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.net.InetAddress;
import java.net.UnknownHostException;
import java.net.spi.InetAddressResolver;
import java.util.Arrays;
import java.util.SplittableRandom;
import java.util.stream.Stream;
import org.aigrid.live.outbound.OutboundAddress.Over;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/// What the grid calls and what it does not, however an address is written or resolves.
class OutboundAddressTest {
  @ParameterizedTest
  @ValueSource(
      strings = {
        "http://127.0.0.1:8000/v1",
        "http://10.1.2.3/metrics",
        "https://[fd12:3456::1]:8443/",
        "https://idp.example/keys?tenant=1",
        "HTTP://vllm.site-7:8000",
        "http://169.253.1.1/",
        "http://[64:ff9b::808:808]/"
      })
  void whatAnOperatorRunsIsCalled(String url) {
    assertThat(OutboundAddress.check("upstream", url, Over.HTTP)).hasToString(url);
  }

  @ParameterizedTest
  @ValueSource(
      strings = {
        "http://169.254.169.254/latest/meta-data/",
        "http://169.254.1.1:80",
        "https://[fe80::1]/",
        "https://[fe80::1%25eth0]/",
        "http://[febf:ffff::]/",
        "http://[fd00:ec2::254]/",
        "http://[fd20:ce::254]/",
        "http://[::ffff:169.254.169.254]/",
        "http://[::ffff:a9fe:a9fe]/",
        "http://[::a9fe:a9fe]/",
        "http://[64:ff9b::a9fe:a9fe]/",
        "http://[2002:a9fe:a9fe::1]/",
        "http://100.100.100.200/",
        "http://168.63.129.16/",
        "http://192.0.0.192/",
        "http://metadata.google.internal/",
        "http://METADATA.google.internal./",
        "http://2852039166/",
        "http://0xA9FEA9FE/",
        "http://0251.0376.0251.0376/",
        "http://169.254.43518/",
        "http://169.254.169.254./",
        "http://user@host/",
        "http://user:s3cret@169.254.1.1/",
        "http://a:s3cret@[::1]/",
        "http://a:s3cret@ho st/",
        "http://10.0.0.0x7/",
        "ftp://host/",
        "file:///etc/passwd",
        "gopher://host/",
        "jar:http://host/!/",
        "//host/",
        "host:80",
        "http:///path",
        "http://",
        "http://host:0/",
        "http://host:99999/",
        "http://host/#fragment",
        "http://ho st/",
        ""
      })
  void whateverElseIsRefusedInOneSentenceWithoutAPassword(String url) {
    assertThatThrownBy(() -> OutboundAddress.check("upstream", url, Over.HTTP))
        .isInstanceOf(IllegalArgumentException.class)
        .hasMessageStartingWith("upstream '")
        .hasMessageContaining("expected: a URL")
        .hasMessageNotContaining("s3cret")
        .hasMessageNotContaining("\n");
  }

  @Test
  void whatMustComeUnchangedComesOverHttpsOrFromHere() {
    for (String good :
        new String[] {
          "https://a.example/x", "http://127.9.9.9/", "http://[::1]:80/", "http://LOCALHOST/"
        }) {
      assertThat(OutboundAddress.check("keys", good, Over.HTTPS)).hasToString(good);
    }
    for (String bad :
        new String[] {"http://a.example/x", "http://10.0.0.1/", "http://127.0.0.1.example/"}) {
      assertThatThrownBy(() -> OutboundAddress.check("keys", bad, Over.HTTPS))
          .hasMessageContaining("expected: https://");
    }
  }

  @Test
  void singleAddressesArePermittedByTheOperator() throws Exception {
    InetAddress wanted = InetAddress.ofLiteral("169.254.7.1");
    System.setProperty(OutboundAddress.ALLOW_PROPERTY, "fe80::7, 169.254.7.1,nonsense");
    try {
      assertThat(OutboundAddress.refuses(wanted)).isFalse();
      assertThat(OutboundAddress.refuses(InetAddress.ofLiteral("fe80::7"))).isFalse();
      assertThat(OutboundAddress.refuses(InetAddress.ofLiteral("169.254.7.2"))).isTrue();
    } finally {
      System.clearProperty(OutboundAddress.ALLOW_PROPERTY);
    }
    assertThat(OutboundAddress.refuses(wanted)).isTrue();
  }

  @ParameterizedTest(name = "seed {0}")
  @ValueSource(longs = {1, 2, 3})
  void everyLinkLocalAddressIsRefusedInEachOfItsForms(long seed) throws Exception {
    var random = new SplittableRandom(seed);
    for (int i = 0; i < 500; i++) {
      int a = random.nextInt(256);
      int b = random.nextInt(256);
      for (String form :
          new String[] {
            "169.254.%d.%d".formatted(a, b),
            "::ffff:169.254.%d.%d".formatted(a, b),
            "64:ff9b::a9fe:%x".formatted(a << 8 | b),
            "fe80::%x:%x".formatted(a, b)
          }) {
        assertThat(OutboundAddress.refuses(InetAddress.ofLiteral(form))).as(form).isTrue();
      }
      assertThat(OutboundAddress.refuses(InetAddress.ofLiteral("10.254.%d.%d".formatted(a, b))))
          .isFalse();
    }
  }

  @Test
  void aNameIsLookedAtEachTimeItResolves() throws Exception {
    var answers = new String[][] {{"10.0.0.1"}, {"169.254.169.254", "10.0.0.2"}, {"fd00:ec2::254"}};
    var turn = new java.util.concurrent.atomic.AtomicInteger();
    InetAddressResolver resolver =
        OutboundResolverProvider.over(
            new InetAddressResolver() {
              @Override
              public Stream<InetAddress> lookupByName(String host, LookupPolicy policy) {
                return Arrays.stream(answers[turn.getAndIncrement()]).map(InetAddress::ofLiteral);
              }

              @Override
              public String lookupByAddress(byte[] address) {
                return "a.example";
              }
            });
    var policy =
        InetAddressResolver.LookupPolicy.of(
            InetAddressResolver.LookupPolicy.IPV4 | InetAddressResolver.LookupPolicy.IPV6);
    assertThat(resolver.lookupByName("a.example", policy))
        .containsExactly(InetAddress.ofLiteral("10.0.0.1"));
    assertThat(resolver.lookupByName("a.example", policy))
        .containsExactly(InetAddress.ofLiteral("10.0.0.2"));
    assertThatThrownBy(() -> resolver.lookupByName("a.example", policy))
        .isInstanceOf(UnknownHostException.class)
        .hasMessageContaining("metadata");
  }

  /// The JDK has taken the resolver for this process: the file that names it is where it looks.
  @Test
  void theJdkAsksIt() {
    assertThat(java.util.ServiceLoader.load(java.net.spi.InetAddressResolverProvider.class))
        .hasSize(1)
        .first()
        .isInstanceOf(OutboundResolverProvider.class);
    assertThat(InetAddress.getLoopbackAddress().isLoopbackAddress()).isTrue();
  }
}
