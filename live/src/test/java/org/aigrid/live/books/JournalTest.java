package org.aigrid.live.books;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.channels.FileChannel;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.util.ArrayList;
import java.util.List;
import java.util.SplittableRandom;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicLong;
import java.util.stream.Stream;
import org.aigrid.live.books.Journal.Batch;
import org.aigrid.live.books.Journal.Position;
import org.aigrid.live.books.Journal.Settings;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

class JournalTest {
  private static final Settings SMALL = new Settings(2_048, 1 << 20, 1_000);

  @TempDir Path folder;

  private static void write(Journal journal, int from, int to) throws InterruptedException {
    var done = new CountDownLatch(to - from);
    for (int i = from; i < to; i++) {
      assertThat(
              journal.append(
                  Records.of("r" + i, "t", i),
                  durable -> {
                    assertThat(durable).isTrue();
                    done.countDown();
                  }))
          .isTrue();
    }
    assertThat(done.await(20, TimeUnit.SECONDS)).isTrue();
  }

  private static List<String> readAll(Journal journal) {
    var ids = new ArrayList<String>();
    Position at = journal.start();
    while (true) {
      Batch batch = journal.read(at, 7);
      if (batch.records().isEmpty()) {
        return ids;
      }
      batch.records().forEach(record -> ids.add(record.requestId()));
      at = batch.next();
    }
  }

  private static List<String> ids(int count) {
    return Stream.iterate(0, i -> i + 1).limit(count).map(i -> "r" + i).toList();
  }

  @Test
  void whatWasWrittenIsReadAgainInOrderAlsoAfterReopening() throws Exception {
    try (var journal = Journal.open(folder, SMALL)) {
      write(journal, 0, 100);
      assertThat(readAll(journal)).isEqualTo(ids(100));
    }
    String id;
    try (var journal = Journal.open(folder, SMALL)) {
      id = journal.id();
      write(journal, 100, 120);
      assertThat(readAll(journal)).isEqualTo(ids(120));
    }
    try (var journal = Journal.open(folder, SMALL)) {
      assertThat(journal.id()).isEqualTo(id);
    }
  }

  @ParameterizedTest(name = "seed {0}")
  @ValueSource(longs = {1, 2, 3, 4, 5})
  void whatIsNotReadYetIsCountedToTheByte(long seed) throws Exception {
    var random = new SplittableRandom(seed);
    long all;
    try (var journal = Journal.open(folder, SMALL)) {
      write(journal, 0, random.nextInt(40));
      all = journal.bytes();
      assertThat(journal.bytesWritten()).isEqualTo(all);
    }
    try (var journal = Journal.open(folder, SMALL)) {
      var forces = new AtomicLong();
      journal.timeForces(nanos -> forces.incrementAndGet());
      assertThat(journal.bytesAfter(journal.start())).as("of the last run").isEqualTo(all);
      int count = 1 + random.nextInt(60);
      write(journal, 100, 100 + count);
      assertThat(journal.recordsWritten()).isEqualTo(count);
      assertThat(forces.get()).isBetween(1L, (long) count);
      assertThat(journal.bytes()).isEqualTo(all + journal.bytesWritten());
      long left = journal.bytesAfter(journal.start());
      assertThat(left).isEqualTo(journal.bytes());
      for (Position at = journal.start(); left > 0; ) {
        Batch batch = journal.read(at, 1 + random.nextInt(9));
        long read = batch.records().stream().mapToLong(r -> 8L + r.encode().length).sum();
        at = batch.next();
        assertThat(journal.bytesAfter(at)).isEqualTo(left - read);
        left -= read;
      }
      assertThat(journal.bytesAfter(journal.durable())).isZero();
    }
  }

  @Test
  void aTornTailIsCutAtEveryByteAndWhatWasWholeStays() throws Exception {
    try (var journal = Journal.open(folder, Settings.USUAL)) {
      write(journal, 0, 5);
    }
    Path file = folder.resolve("journal-0000000001.log");
    byte[] whole = Files.readAllBytes(file);
    int frame = whole.length / 5;
    for (int zeros : new int[] {0, 3, 4_096}) { // room that was taken ahead
      for (int length = 4 * frame; length < whole.length; length++) {
        if (zeros > 0 && whole[length] == 0) {
          continue; // the next byte might be right by chance
        }
        deleteSegments();
        byte[] torn = java.util.Arrays.copyOf(whole, length);
        Files.write(file, java.util.Arrays.copyOf(torn, length + zeros));
        try (var journal = Journal.open(folder, Settings.USUAL)) {
          assertThat(readAll(journal))
              .as("cut to %d bytes before %d zeros", length, zeros)
              .isEqualTo(ids(4));
        }
      }
    }
  }

  @Test
  void whatFollowsAZeroedFrameIsCutAndKeptBeside() throws Exception {
    try (var journal = Journal.open(folder, Settings.USUAL)) {
      write(journal, 0, 5);
    }
    Path file = folder.resolve("journal-0000000001.log");
    byte[] whole = Files.readAllBytes(file);
    int frame = whole.length / 5;
    java.util.Arrays.fill(whole, 2 * frame, 3 * frame, (byte) 0);
    Files.write(file, whole);
    try (var journal = Journal.open(folder, Settings.USUAL)) {
      assertThat(readAll(journal)).isEqualTo(ids(2));
    }
    assertThat(Files.readAllBytes(Path.of(file + ".torn")))
        .as("two sound frames are in it")
        .isEqualTo(java.util.Arrays.copyOfRange(whole, 2 * frame, whole.length));
  }

  @Test
  void aReadReturnsNothingThatIsNotDurable() throws Exception {
    try (var journal = Journal.open(folder, Settings.USUAL)) {
      write(journal, 0, 8_000);
      Position end = journal.durable();
      assertThat(end.offset()).as("more than is read at a time").isGreaterThan(1 << 20);
      Path file = folder.resolve("journal-%010d.log".formatted(end.segment()));
      try (FileChannel under =
          FileChannel.open(file, StandardOpenOption.READ, StandardOpenOption.WRITE)) {
        ByteBuffer sound = ByteBuffer.allocate(20_000);
        assertThat(under.read(sound, 0)).isEqualTo(20_000);
        assertThat(under.write(sound.flip(), end.offset())).isEqualTo(20_000);
      }
      Batch batch = journal.read(journal.start(), Integer.MAX_VALUE);
      assertThat(batch.records()).hasSize(8_000);
      assertThat(batch.next()).isEqualTo(end);
    }
  }

  private void deleteSegments() throws IOException {
    try (Stream<Path> files = Files.list(folder)) {
      for (Path one : files.filter(f -> f.toString().contains(".log")).toList()) {
        Files.delete(one);
      }
    }
  }

  @Test
  void aTailOfAnythingIsCutAndNothingElse() throws Exception {
    try (var journal = Journal.open(folder, Settings.USUAL)) {
      write(journal, 0, 5);
    }
    Path file = folder.resolve("journal-0000000001.log");
    byte[] whole = Files.readAllBytes(file);
    for (int seed = 0; seed < 200; seed++) {
      var random = new SplittableRandom(seed);
      var junk = new byte[1 + random.nextInt(200)];
      if (seed > 0) {
        random.nextBytes(junk); // seed 0: zeros, as a file system may leave them
      }
      deleteSegments();
      Files.write(file, whole);
      Files.write(file, junk, StandardOpenOption.APPEND);
      try (var journal = Journal.open(folder, Settings.USUAL)) {
        assertThat(readAll(journal)).as("seed %d", seed).isEqualTo(ids(5));
      }
      int end = junk.length;
      while (end > 0 && junk[end - 1] == 0) {
        end--;
      }
      Path torn = Path.of(file + ".torn");
      if (end == 0) {
        assertThat(torn).as("zeros were never anybody's record").doesNotExist();
      } else {
        assertThat(Files.readAllBytes(torn)).isEqualTo(java.util.Arrays.copyOf(junk, end));
      }
    }
  }

  @Test
  void roomIsTakenAheadAndGivenBackAndHoldsNoRecord() throws Exception {
    Path file = folder.resolve("journal-0000000001.log");
    var whole = new java.io.ByteArrayOutputStream();
    try (var journal = Journal.open(folder, Settings.USUAL)) {
      write(journal, 0, 5);
      byte[] open = Files.readAllBytes(file); // as a crash would leave it
      assertThat(open.length).as("room ahead").isGreaterThan(100_000);
      assertThat(readAll(journal)).isEqualTo(ids(5));
      whole.write(open);
    }
    assertThat(Files.size(file)).isLessThan(5_000);
    deleteSegments();
    Files.write(file, whole.toByteArray());
    try (var journal = Journal.open(folder, Settings.USUAL)) {
      assertThat(readAll(journal)).isEqualTo(ids(5));
      write(journal, 5, 7);
      assertThat(readAll(journal)).isEqualTo(ids(7));
      assertThat(journal.bytes()).isLessThan(5_000);
    }
    assertThat(Path.of(file + ".torn")).doesNotExist();
  }

  @Test
  void filesThatWereFilledEndWithTheirLastRecord() throws Exception {
    var settings = new Settings(300_000, 1 << 30, 5_000); // larger than what is filled at once
    try (var journal = Journal.open(folder, settings)) {
      write(journal, 0, 3_000);
      write(journal, 3_000, 3_001);
      assertThat(journal.durable().segment()).isGreaterThan(1);
      assertThat(readAll(journal)).isEqualTo(ids(3_001));
    }
    try (var journal = Journal.open(folder, settings)) {
      assertThat(readAll(journal)).isEqualTo(ids(3_001));
    }
  }

  @Test
  void damageInTheMiddleIsAnErrorAndNotSkipped() throws Exception {
    try (var journal = Journal.open(folder, SMALL)) {
      write(journal, 0, 40);
      write(journal, 40, 41); // in the next file
    }
    try (FileChannel channel =
        FileChannel.open(folder.resolve("journal-0000000001.log"), StandardOpenOption.WRITE)) {
      channel.write(ByteBuffer.wrap(new byte[] {1, 2, 3}), 300);
    }
    try (var journal = Journal.open(folder, SMALL)) {
      assertThatThrownBy(() -> readAll(journal))
          .isInstanceOf(BooksException.class)
          .hasMessageContaining("journal-0000000001.log is damaged");
    }
  }

  @Test
  void aFullJournalTakesNothingUntilSomethingIsForgotten() throws Exception {
    try (var journal = Journal.open(folder, new Settings(1_024, 4_096, 1_000))) {
      int taken = 0;
      while (journal.accepting()) {
        write(journal, taken, taken + 1);
        taken++;
      }
      int bound = taken;
      while (true) { // what runs already still has some room
        var done = new CountDownLatch(1);
        if (!journal.append(Records.of("r" + taken, "t", 1), _ -> done.countDown())) {
          break;
        }
        assertThat(done.await(20, TimeUnit.SECONDS)).isTrue();
        taken++;
      }
      assertThat(taken - bound).isBetween(1, 8);
      assertThat(readAll(journal)).hasSize(taken);
      journal.forget(journal.durable());
      assertThat(journal.accepting()).isTrue();
      assertThat(journal.bytes()).isLessThan(2_048);
    }
  }

  @Test
  void longTextsAreCutBetweenCharactersAndIdsAreNot() {
    UsageRecord record = Records.of("r", "t", 1);
    var longer =
        new UsageRecord(
            "日本".repeat(100),
            record.tenant(),
            record.project(),
            record.key(),
            "x" + "日".repeat(1_000),
            record.tier(),
            record.site(),
            record.jurisdiction(),
            record.operator(),
            record.price(),
            1,
            2,
            3,
            4,
            5,
            "a\0b",
            record.outcome(),
            6,
            7);
    UsageRecord back = UsageRecord.decode(longer.encode());
    assertThat(back.requestId()).isEqualTo(longer.requestId());
    assertThat(back.model()).isEqualTo("x" + "日".repeat(341));
    assertThat(back.attempts()).isEqualTo("a?b");
    assertThat(back.endedAtMs()).isEqualTo(7);
    assertThat(UsageRecord.decode(record.encode())).isEqualTo(record);
    assertThatThrownBy(() -> Records.of("日".repeat(400), "t", 1))
        .isInstanceOf(IllegalArgumentException.class);
  }

  @Test
  void bytesOfAnySortAreReadOrRefusedAndNothingElse() {
    byte[] good = Records.of("r", "t", 1).encode();
    for (int seed = 0; seed < 20_000; seed++) {
      var random = new SplittableRandom(seed);
      byte[] bytes = java.util.Arrays.copyOf(good, random.nextInt(good.length + 20));
      for (int i = random.nextInt(4); i > 0 && bytes.length > 0; i--) {
        bytes[random.nextInt(bytes.length)] = (byte) random.nextInt();
      }
      try {
        UsageRecord.decode(bytes);
      } catch (IllegalArgumentException e) {
        assertThat(e).hasMessageNotContaining("null");
      }
    }
  }
}
