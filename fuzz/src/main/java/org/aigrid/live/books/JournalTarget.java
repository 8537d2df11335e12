package org.aigrid.live.books;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.ByteBuffer;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.List;
import java.util.stream.Stream;
import java.util.zip.CRC32C;
import org.aigrid.fuzz.Finding;

/// A journal's file as a crash, a bad disk or an insider left it. Whatever it holds: it opens, and
/// what is read are whole records from its beginning, or one documented exception. Also records
/// whose frames are sound, with anything in them.
public final class JournalTarget {
  private static final Path FOLDER = folder();
  private static final int READ_EVERY = 16;
  private static long inputs;

  private JournalTarget() {}

  /// Called by the fuzzer.
  public static void fuzzerTestOneInput(byte[] input) {
    record(input);
    if (inputs++ % READ_EVERY == 0) { // files are slow
      file(input);
      file(framed(input));
    }
  }

  private static void record(byte[] bytes) {
    UsageRecord record;
    try {
      record = UsageRecord.decode(bytes);
    } catch (IllegalArgumentException e) {
      return;
    }
    byte[] written = record.encode();
    Finding.unless(written.length <= UsageRecord.BYTES_MAX, "a record of " + written.length);
    UsageRecord again = UsageRecord.decode(written);
    Finding.unlessEqual("a record's bytes", Arrays.hashCode(written), hash(again));
  }

  private static int hash(UsageRecord record) {
    return Arrays.hashCode(record.encode());
  }

  /// A file that holds these bytes in front of what a sound journal would hold.
  private static void file(byte[] bytes) {
    try {
      clear();
      Files.write(FOLDER.resolve("journal-0000000001.log"), bytes);
      try (Journal journal = Journal.open(FOLDER, Journal.Settings.USUAL)) {
        Journal.Batch batch = journal.read(journal.start(), 1_000);
        Finding.unless(
            Files.size(FOLDER.resolve("journal-0000000001.log")) <= bytes.length,
            "a journal that grew while it was opened");
        for (UsageRecord record : batch.records()) {
          Finding.unless(!record.requestId().isEmpty(), "a record without a name");
        }
      } catch (BooksException | IllegalArgumentException e) {
        // said in one sentence, nothing skipped
      }
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }

  private static byte[] framed(byte[] payload) {
    if (payload.length == 0) {
      return payload;
    }
    var crc = new CRC32C();
    crc.update(payload);
    return ByteBuffer.allocate(8 + payload.length)
        .putInt(payload.length)
        .putInt((int) crc.getValue())
        .put(payload)
        .array();
  }

  private static void clear() throws IOException {
    List<Path> old;
    try (Stream<Path> files = Files.list(FOLDER)) {
      old = files.toList();
    }
    for (Path file : old) {
      Files.delete(file);
    }
  }

  private static Path folder() {
    try {
      Path folder = Files.createTempDirectory("grid-fuzz-journal");
      Runtime.getRuntime()
          .addShutdownHook(
              new Thread(
                  () -> {
                    try {
                      clear();
                      Files.delete(folder);
                    } catch (IOException e) {
                      // the machine's own cleaning takes it
                    }
                  }));
      return folder;
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }
}
