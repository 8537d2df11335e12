package org.aigrid.live.books;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.ByteBuffer;
import java.nio.channels.FileChannel;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.util.ArrayList;
import java.util.List;
import java.util.UUID;
import java.util.concurrent.ArrayBlockingQueue;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicLong;
import java.util.function.BooleanSupplier;
import java.util.function.Consumer;
import java.util.function.LongConsumer;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import java.util.stream.Stream;
import java.util.zip.CRC32C;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/// A gateway's own record of what it has served: on the disk before the client has its last byte,
/// carried into the books afterwards.
///
/// `append` never blocks: one thread writes what has gathered, lets the disk confirm it once for
/// all (group commit), and then tells each record's writer. Safe for many threads.
///
/// Files `journal-N.log` of frames: length (4 bytes, big-endian), CRC-32C of the payload (4 bytes),
/// payload. Ahead of the last frame a file is filled with zeros, so that a frame finds its place on
/// the disk taken and its length written already: a `fdatasync` then waits for the frame and not
/// for the file system's own log, which PostgreSQL and others write to as well. A file that is full
/// or closed has no zeros. A frame that a crash left torn is cut off at the next opening, and what
/// is cut is kept beside the file: nobody had been told that it was written. A damaged frame
/// anywhere else is an error, never skipped.
///
/// Bounds: `Settings.queueMax` records not yet written and `bytesMax` on the disk, not yet in the
/// books; at either, `append` says no, and the gateway should take no more work. After an error of
/// the disk the journal takes nothing more until it is opened again, since nobody knows what a
/// failed `fsync` has kept.
public final class Journal implements AutoCloseable {
  /// Bounds.
  ///
  /// @param segmentBytes of one file, about
  /// @param bytesMax of all files that are not applied yet
  /// @param queueMax records that wait to be written
  public record Settings(long segmentBytes, long bytesMax, int queueMax) {
    public static final Settings USUAL = new Settings(16L << 20, 1L << 30, 16_384);

    public Settings {
      if (segmentBytes < 1_024 || bytesMax < segmentBytes || queueMax < 1) {
        throw new IllegalArgumentException(
            "segmentBytes "
                + segmentBytes
                + ", bytesMax "
                + bytesMax
                + ", queueMax "
                + queueMax
                + " (expected: 1,024 or more, at least a segment, 1 or more)");
      }
    }
  }

  /// A place between two frames.
  public record Position(long segment, long offset) {}

  /// Hears on the journal's thread what became of a record; must be quick and throw nothing.
  @FunctionalInterface
  public interface Written {
    /// @param durable false: the disk failed, and nobody knows whether the record is there
    void written(boolean durable);
  }

  /// Records in their order, and the place after the last.
  record Batch(List<UsageRecord> records, Position next) {}

  private record Pending(byte[] payload, Written written) {}

  private static final Logger log = LoggerFactory.getLogger(Journal.class);
  private static final Pattern SEGMENT = Pattern.compile("journal-([0-9]{10})\\.log");
  private static final int FRAME_BYTES = 8;
  private static final long POLL_MS = 100;
  private static final int GROUP_MAX = 1_024;
  private static final int READ_BYTES = 1 << 20;
  private static final int AHEAD_BYTES = 256 << 10; // of zeros: some 700 records

  private static final ByteBuffer ZEROS = ByteBuffer.allocateDirect(AHEAD_BYTES).asReadOnlyBuffer();

  private final Path folder;
  private final Settings settings;
  private final String id;
  private final ArrayBlockingQueue<Pending> queue;
  private final AtomicLong bytes = new AtomicLong();
  private final Thread writer;
  private final long first;
  private FileChannel channel;
  private long segment;
  private long offset;
  private long filled; // with zeros, from `offset` to here
  private volatile Position durable;
  private volatile long recordsWritten; // by the writer alone
  private volatile long bytesWritten;
  private volatile LongConsumer forced = nanos -> {};
  private volatile BooleanSupplier mayForget = () -> true;
  private volatile boolean closing;
  private volatile boolean broken;

  private Journal(Path folder, Settings settings) throws IOException {
    this.folder = folder;
    this.settings = settings;
    queue = new ArrayBlockingQueue<>(settings.queueMax());
    Files.createDirectories(folder);
    id = identity(folder.resolve("journal.id"));
    List<Long> segments = segments();
    if (!segments.isEmpty()) {
      cutTornTail(file(segments.getLast()));
    }
    for (long known : segments) {
      bytes.addAndGet(Files.size(file(known)));
    }
    segment = segments.isEmpty() ? 1 : segments.getLast() + 1;
    first = segments.isEmpty() ? 1 : segments.getFirst();
    channel = create(segment);
    fill();
    durable = new Position(segment, 0);
    writer = Thread.ofPlatform().daemon().name("journal").unstarted(this::writeAll);
  }

  /// Opens the journal in a folder, which is made if it is missing, and cuts a torn tail.
  public static Journal open(Path folder, Settings settings) {
    try {
      var journal = new Journal(folder, settings);
      journal.writer.start();
      return journal;
    } catch (IOException e) {
      throw new BooksException(
          "cannot open the journal in "
              + folder
              + ": "
              + e.getMessage()
              + " (expected: a folder that can be written)",
          e);
    }
  }

  /// Tells journals apart, also in the books: made once for a folder.
  public String id() {
    return id;
  }

  /// Hands a record over; `written` hears when it is on the disk. False: it was not taken (full,
  /// broken or closed), and `written` hears nothing.
  public boolean append(UsageRecord record, Written written) {
    return open()
        && bytes.get() < settings.bytesMax() + settings.segmentBytes()
        && queue.offer(new Pending(record.encode(), written));
  }

  /// Whether there is room for more; a gateway asks before it takes a request. Beyond the bound
  /// there is one more file's room, for the records of what runs already.
  public boolean accepting() {
    return open() && bytes.get() < settings.bytesMax();
  }

  private boolean open() {
    return !broken && !closing;
  }

  /// Bytes on the disk that have not been forgotten.
  public long bytes() {
    return bytes.get();
  }

  /// Records that were put on the disk since the journal was opened.
  public long recordsWritten() {
    return recordsWritten;
  }

  /// Their bytes, frames included.
  public long bytesWritten() {
    return bytesWritten;
  }

  /// Hears on the journal's thread how many nanoseconds the disk took to confirm a group of
  /// records; must be quick and throw nothing.
  public void timeForces(LongConsumer nanos) {
    forced = nanos;
  }

  /// Bytes on the disk behind a place, up to what is durable now. Asks the file system for the size
  /// of each file in between.
  long bytesAfter(Position from) {
    Position end = durable;
    if (from.segment() >= end.segment()) {
      return Math.max(0, end.offset() - from.offset());
    }
    try {
      long sum = end.offset();
      for (long known : segments()) {
        if (known >= from.segment() && known < end.segment()) {
          sum += Files.size(file(known)) - (known == from.segment() ? from.offset() : 0);
        }
      }
      return sum;
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }

  /// Up to here everything is on the disk.
  public Position durable() {
    return durable;
  }

  /// The earliest place that is still there.
  public Position start() {
    return new Position(first, 0);
  }

  private void writeAll() {
    var group = new ArrayList<Pending>(GROUP_MAX);
    ByteBuffer buffer = ByteBuffer.allocateDirect(READ_BYTES);
    while (true) {
      group.clear();
      try {
        Pending head = closing ? queue.poll() : queue.poll(POLL_MS, TimeUnit.MILLISECONDS);
        if (head == null) {
          if (closing) {
            return;
          }
          continue;
        }
        group.add(head);
        queue.drainTo(group, GROUP_MAX - 1);
      } catch (InterruptedException e) {
        closing = true;
        Thread.interrupted(); // an interrupted thread's file channels close themselves
        continue;
      }
      boolean good = !broken;
      if (good) {
        try {
          write(group, buffer);
        } catch (IOException e) {
          good = false;
          broken = true;
          log.error(
              "the journal in {} cannot be written and takes nothing more: {}",
              folder,
              e.toString());
        }
      }
      for (Pending pending : group) {
        try {
          pending.written().written(good);
        } catch (RuntimeException e) {
          log.error("a listener of the journal failed", e);
        }
      }
      if (good && offset + AHEAD_BYTES / 4 > filled) {
        fillOrBreak(); // while nobody waits, mostly
      }
    }
  }

  private void fillOrBreak() {
    try {
      fill();
    } catch (IOException e) {
      broken = true;
      log.error("the journal in {} cannot grow and takes nothing more: {}", folder, e.toString());
    }
  }

  /// Takes room on the disk for what comes next.
  private void fill() throws IOException {
    long end = Math.min(Math.max(filled, offset) + AHEAD_BYTES, settings.segmentBytes());
    if (filled >= end) {
      return; // to the end of the file
    }
    ByteBuffer zeros = ZEROS.duplicate();
    while (filled < end) {
      zeros.clear().limit((int) Math.min(AHEAD_BYTES, end - filled));
      filled += channel.write(zeros, filled);
    }
    channel.force(false);
  }

  /// Takes what room was not needed back: a file that is whole ends with its last frame.
  private void trim() throws IOException {
    if (filled > offset) {
      channel.truncate(offset);
      channel.force(true);
    }
  }

  private void write(List<Pending> group, ByteBuffer buffer) throws IOException {
    if (offset >= settings.segmentBytes()) {
      trim(); // before the next file is there: zeros may only be in the last one
      FileChannel full = channel;
      channel = create(segment + 1);
      segment++;
      offset = 0;
      filled = 0;
      full.close();
      fill();
    }
    var crc = new CRC32C();
    buffer.clear();
    long before = offset;
    long records = 0;
    for (Pending pending : group) {
      byte[] payload = pending.payload();
      if (payload.length == 0) {
        continue; // only wakes this thread
      }
      if (buffer.remaining() < FRAME_BYTES + payload.length) {
        drain(buffer);
      }
      crc.reset();
      crc.update(payload);
      buffer.putInt(payload.length).putInt((int) crc.getValue()).put(payload);
      offset += FRAME_BYTES + payload.length;
      records++;
    }
    drain(buffer);
    filled = Math.max(filled, offset);
    long beginNanos = System.nanoTime();
    channel.force(false);
    forced.accept(System.nanoTime() - beginNanos);
    bytes.addAndGet(offset - before);
    recordsWritten = recordsWritten + records;
    bytesWritten = bytesWritten + offset - before;
    durable = new Position(segment, offset);
  }

  private void drain(ByteBuffer buffer) throws IOException {
    buffer.flip();
    while (buffer.hasRemaining()) {
      channel.write(buffer);
    }
    buffer.clear();
  }

  /// Shows every record that is still there, in order: for what has to be made good after a crash.
  public void replay(Consumer<UsageRecord> each) {
    Position at = start();
    while (true) {
      Batch batch = read(at, GROUP_MAX);
      batch.records().forEach(each);
      if (batch.records().isEmpty() && batch.next().equals(at)) {
        return;
      }
      at = batch.next();
    }
  }

  /// Up to `max` records from a place on, as far as they are on the disk.
  Batch read(Position from, int max) {
    Position end = durable;
    var records = new ArrayList<UsageRecord>();
    Position at = from;
    try {
      while (records.size() < max && at.segment() <= end.segment()) {
        boolean last = at.segment() == end.segment();
        Path file = file(at.segment());
        if (!Files.exists(file)) {
          throw new BooksException(
              "the journal in "
                  + folder
                  + " lacks "
                  + file.getFileName()
                  + ", which is not in the books yet (restore it, or the books from the same time)");
        }
        at = readSegment(file, at, last ? end.offset() : Files.size(file), max, records);
        if (last || records.size() >= max) {
          break;
        }
        at = new Position(at.segment() + 1, 0);
      }
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
    return new Batch(records, at);
  }

  private static Position readSegment(
      Path file, Position from, long end, int max, List<UsageRecord> records) throws IOException {
    long at = from.offset();
    try (FileChannel in = FileChannel.open(file, StandardOpenOption.READ)) {
      ByteBuffer buffer = ByteBuffer.allocate((int) Math.min(READ_BYTES, Math.max(0, end - at)));
      while (at < end && records.size() < max) {
        buffer.clear().limit((int) Math.min(buffer.capacity(), end - at));
        in.read(buffer, at);
        buffer.flip();
        int used = 0;
        while (records.size() < max) {
          byte[] payload = frame(buffer);
          if (payload == null) {
            break;
          }
          used = buffer.position();
          records.add(UsageRecord.decode(payload));
        }
        if (used == 0) {
          throw new BooksException(
              file
                  + " is damaged at byte "
                  + at
                  + " (restore it from a copy; what follows is"
                  + " intact or not, but nothing is skipped)");
        }
        at += used;
      }
    }
    return new Position(from.segment(), at);
  }

  /// The payload of the next whole and sound frame, or null; then the position is anywhere.
  private static byte @Nullable [] frame(ByteBuffer buffer) {
    if (buffer.remaining() < FRAME_BYTES) {
      return null;
    }
    int length = buffer.getInt();
    int expected = buffer.getInt();
    if (length <= 0 || length > UsageRecord.BYTES_MAX || length > buffer.remaining()) {
      return null;
    }
    var payload = new byte[length];
    buffer.get(payload);
    var crc = new CRC32C();
    crc.update(payload);
    return (int) crc.getValue() == expected ? payload : null;
  }

  /// Somebody else reads the journal, too: files are deleted only when it says so. Asked seldom,
  /// when there is a file to delete, on the book-keeper's thread; may wait a moment.
  public void forgetOnlyWhen(BooleanSupplier allIsSafe) {
    mayForget = allIsSafe;
  }

  /// Deletes the files that lie wholly before a place: what is there is in the books.
  void forget(Position applied) {
    try {
      List<Long> done =
          segments().stream()
              .filter(known -> known < applied.segment() && known < durable.segment())
              .toList();
      if (!done.isEmpty() && mayForget.getAsBoolean()) {
        for (long known : done) {
          long size = Files.size(file(known));
          Files.delete(file(known));
          bytes.addAndGet(-size);
        }
      }
    } catch (IOException e) {
      log.warn("cannot delete an applied file of the journal in {}: {}", folder, e.toString());
    }
  }

  private static void cutTornTail(Path file) throws IOException {
    long good = 0;
    long size;
    try (FileChannel in =
        FileChannel.open(file, StandardOpenOption.READ, StandardOpenOption.WRITE)) {
      size = in.size();
      ByteBuffer buffer = ByteBuffer.allocate(READ_BYTES);
      boolean sound = true;
      while (sound && good < size) {
        buffer.clear();
        in.read(buffer, good);
        buffer.flip();
        int used = 0;
        while (frame(buffer) != null) {
          used = buffer.position();
        }
        sound = used > 0;
        good += used;
      }
      if (good == size) {
        return;
      }
      long torn = written(in, good, size) - good;
      if (torn > 0) {
        Path aside = Path.of(file + ".torn");
        try (FileChannel out =
            FileChannel.open(
                aside,
                StandardOpenOption.CREATE,
                StandardOpenOption.TRUNCATE_EXISTING,
                StandardOpenOption.WRITE)) {
          in.transferTo(good, torn, out);
        }
        log.warn("{}: cut {} bytes that a crash left unfinished", file, torn);
      }
      in.truncate(good);
      in.force(true);
    }
  }

  /// The end of what is there besides zeros, from `from` on.
  private static long written(FileChannel in, long from, long size) throws IOException {
    ByteBuffer buffer = ByteBuffer.allocate(READ_BYTES);
    long end = from;
    for (long at = from; at < size; ) {
      buffer.clear();
      int read = in.read(buffer, at);
      if (read <= 0) {
        break;
      }
      for (int i = 0; i < read; i++) {
        if (buffer.get(i) != 0) {
          end = at + i + 1;
        }
      }
      at += read;
    }
    return end;
  }

  private FileChannel create(long number) throws IOException {
    FileChannel fresh =
        FileChannel.open(file(number), StandardOpenOption.CREATE_NEW, StandardOpenOption.WRITE);
    syncFolder();
    return fresh;
  }

  private void syncFolder() throws IOException {
    try (FileChannel entry = FileChannel.open(folder, StandardOpenOption.READ)) {
      entry.force(true);
    }
  }

  private Path file(long number) {
    return folder.resolve("journal-%010d.log".formatted(number));
  }

  private List<Long> segments() throws IOException {
    try (Stream<Path> files = Files.list(folder)) {
      return files
          .map(path -> SEGMENT.matcher(path.getFileName().toString()))
          .filter(Matcher::matches)
          .map(name -> Long.parseLong(name.group(1)))
          .sorted()
          .toList();
    }
  }

  private static String identity(Path file) throws IOException {
    if (Files.exists(file)) {
      String known = Files.readString(file).strip();
      if (!known.isEmpty()) {
        return known;
      }
    }
    String fresh = UUID.randomUUID().toString();
    try (FileChannel out =
        FileChannel.open(
            file,
            StandardOpenOption.CREATE,
            StandardOpenOption.TRUNCATE_EXISTING,
            StandardOpenOption.WRITE)) {
      out.write(ByteBuffer.wrap(fresh.getBytes(StandardCharsets.US_ASCII)));
      out.force(true);
    }
    return fresh;
  }

  /// Writes what was handed over, then ends.
  @Override
  public void close() {
    closing = true;
    boolean woken = queue.offer(new Pending(new byte[0], _ -> {}));
    log.debug("closing, woken {}", woken); // a full queue wakes the writer by itself
    try {
      writer.join();
      try {
        if (!broken) {
          trim();
        }
      } finally {
        channel.close();
      }
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
    } catch (IOException e) {
      log.warn("closing the journal in {}: {}", folder, e.toString());
    }
  }
}
