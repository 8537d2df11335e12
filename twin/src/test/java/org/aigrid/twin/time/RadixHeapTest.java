package org.aigrid.twin.time;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.util.PriorityQueue;
import java.util.SplittableRandom;
import org.junit.jupiter.api.Test;

class RadixHeapTest {
  @Test
  void whateverIsAddedComesOutInTheOrderOfThePlainQueue() {
    for (int seed = 0; seed < 200; seed++) {
      var random = new SplittableRandom(seed);
      var heap = new RadixHeap();
      var plain = new PriorityQueue<Long>();
      long last = 0;
      for (int i = 0; i < 2_000; i++) {
        if (plain.isEmpty() || random.nextInt(5) > 1) {
          long delay =
              switch (random.nextInt(4)) {
                case 0 -> 0;
                case 1 -> random.nextInt(20);
                case 2 -> random.nextInt(20_000);
                default -> random.nextLong(1L << 36);
              };
          int subject = random.nextInt(RadixHeap.SUBJECT_MAX);
          long key = Math.max(last, RadixHeap.key(RadixHeap.tick(last) + delay, subject));
          heap.add(key);
          plain.add(key);
        } else {
          last = plain.remove();
          if (random.nextBoolean()) {
            assertThat(heap.peek()).as("seed %d", seed).isEqualTo(last);
          }
          assertThat(heap.take()).as("seed %d", seed).isEqualTo(last);
        }
        assertThat(heap.size()).isEqualTo(plain.size());
      }
    }
  }

  @Test
  void aKeyTellsItsTickAndSubject() {
    long tick = (1L << 39) + 12_345;
    long key = RadixHeap.key(tick, 777);
    assertThat(RadixHeap.tick(key)).isEqualTo(tick);
    assertThat(RadixHeap.subject(key)).isEqualTo(777);
  }

  @Test
  void thePastIsRefusedAndNothingIsNothing() {
    var heap = new RadixHeap();
    assertThat(heap.peek()).isEqualTo(Long.MAX_VALUE);
    assertThatThrownBy(heap::take).hasMessageContaining("isEmpty");
    heap.add(RadixHeap.key(10, 1));
    heap.take();
    assertThatThrownBy(() -> heap.add(RadixHeap.key(9, 1)))
        .hasMessageContaining("expected: not before tick 10");
    heap.add(RadixHeap.key(10, 1));
    assertThat(RadixHeap.tick(heap.take())).isEqualTo(10);
    heap.add(RadixHeap.key(30, 1));
    assertThat(RadixHeap.tick(heap.peek())).isEqualTo(30);
    heap.add(RadixHeap.key(20, 1));
    assertThat(RadixHeap.tick(heap.take())).as("looking is not taking").isEqualTo(20);
  }
}
