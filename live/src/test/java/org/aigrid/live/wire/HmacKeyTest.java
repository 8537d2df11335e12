package org.aigrid.live.wire;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import java.util.HexFormat;
import java.util.SplittableRandom;
import javax.crypto.Mac;
import javax.crypto.spec.SecretKeySpec;
import org.junit.jupiter.api.Test;

class HmacKeyTest {
  @Test
  void codesAreThoseOfRfc4231() {
    byte[] code =
        new HmacKey("Jefe".getBytes(StandardCharsets.US_ASCII))
            .of("what do ya want for nothing?".getBytes(StandardCharsets.US_ASCII));
    assertThat(HexFormat.of().formatHex(code))
        .isEqualTo("5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843");
    assertThatThrownBy(() -> new HmacKey(new byte[0])).hasMessageContaining("expected: 1 or more");
  }

  @Test
  void codesOfAnyKeyAndTextAreThoseOfTheJdkHoweverTheTextIsCut() throws Exception {
    for (int seed = 0; seed < 2_000; seed++) {
      var random = new SplittableRandom(seed);
      var key = new byte[1 + random.nextInt(200)];
      var text = new byte[random.nextInt(500)];
      random.nextBytes(key);
      random.nextBytes(text);
      Mac mac = Mac.getInstance("HmacSHA256");
      mac.init(new SecretKeySpec(key, "HmacSHA256"));
      byte[] expected = mac.doFinal(text);
      var ours = new HmacKey(key);
      HmacKey.Running other = ours.begin(); // one under way changes no other
      other.update(ByteBuffer.wrap(key));
      HmacKey.Running running = ours.begin();
      for (int at = 0; at < text.length; ) {
        int length = 1 + random.nextInt(text.length - at);
        running.update(ByteBuffer.wrap(text, at, length));
        at += length;
      }
      assertThat(running.end()).as("seed %d", seed).isEqualTo(expected);
      assertThat(ours.of(text)).as("seed %d", seed).isEqualTo(expected);
      mac.reset();
      assertThat(other.end()).as("seed %d", seed).isEqualTo(mac.doFinal(key));
    }
  }
}
