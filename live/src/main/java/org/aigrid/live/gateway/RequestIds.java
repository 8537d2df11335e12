package org.aigrid.live.gateway;

import java.security.SecureRandom;
import java.util.concurrent.atomic.AtomicLong;

/// Request ids: a random number per process and a counter, mixed so that neighbours look apart.
/// Unique within a process, practically unique across the grid, not secret. Thread-safe.
final class RequestIds {
  private static final char[] HEX = "0123456789abcdef".toCharArray();

  private final long process = new SecureRandom().nextLong();
  private final AtomicLong next = new AtomicLong();

  String next() {
    long count = next.getAndIncrement();
    long mixed = (count + process) * 0x9E3779B97F4A7C15L;
    mixed = (mixed ^ mixed >>> 31) * 0xD6E8FEB86659FD93L;
    char[] text = new char[36];
    "req_".getChars(0, 4, text, 0);
    for (int i = 0; i < 16; i++) {
      text[4 + i] = HEX[(int) (process >>> 60 - 4 * i) & 15];
      text[20 + i] = HEX[(int) (mixed >>> 60 - 4 * i) & 15];
    }
    return new String(text);
  }
}
