package org.aigrid.live.proof;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.ByteBuffer;
import java.nio.channels.FileChannel;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Collection;
import java.util.HashSet;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.concurrent.ConcurrentLinkedQueue;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.concurrent.atomic.AtomicLong;
import java.util.concurrent.locks.LockSupport;
import java.util.function.Consumer;
import java.util.function.LongSupplier;
import org.aigrid.live.files.FolderLock;
import org.aigrid.live.tlog.Checkpoint;
import org.aigrid.live.tlog.FormatException;
import org.aigrid.live.tlog.Hash;
import org.aigrid.live.tlog.NoteKey;
import org.aigrid.live.tlog.NoteSignature;
import org.aigrid.live.tlog.SignedNote;
import org.aigrid.live.tlog.Tile;
import org.aigrid.live.tlog.TiledNodes;
import org.aigrid.live.tlog.Tiles;
import org.aigrid.live.tlog.TlogProof;
import org.aigrid.live.tlog.TreeProofs;
import org.aigrid.live.tlog.UntrustedException;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/// An append-only log of entries in files that anyone can check (C2SP `tlog-tiles`).
///
/// `offer` takes an entry in well under a microsecond and never waits, so that an event loop may
/// call it. One writer thread makes commits: entries, then tiles, forced to the disk; then a signed
/// checkpoint, remembered beside the keys, and only then shown. A commit comes `batchMs` after the
/// one before while entries come, at once after a pause, and never while nothing comes. It costs a
/// few fsyncs and two signatures, whatever its size.
///
/// **After a crash** at any point the log is whole: entries of a commit that was not remembered are
/// not in it, and are offered again by whoever has them in a journal (`journalPosition`); an id
/// that is in the log already is passed over. A folder that a crash cannot explain is refused by
/// `open` (`LogRefusedException`), since signing on could contradict what was signed.
///
/// When the disk fails, the writer keeps its batch and tries again each second, and offers end at
/// `FULL`. Long because writing, finding and proving share one view of what is signed. Thread-safe.
public final class TransparencyLog implements AutoCloseable {
  private static final Logger log = LoggerFactory.getLogger(TransparencyLog.class);
  private static final long RETRY_NANOS = TimeUnit.SECONDS.toNanos(1);
  private static final int ID_BYTES = Long.BYTES;

  /// An entry of the log.
  ///
  /// @param index its place
  /// @param bytes canonical JSON
  public record Logged(long index, byte[] bytes) {
    public Logged {
      bytes = bytes.clone();
    }

    @Override
    public byte[] bytes() {
      return bytes.clone();
    }
  }

  /// How the log is doing, for metrics.
  ///
  /// @param entries in the log
  /// @param queued offered and not yet in it
  /// @param full offers that were not taken
  /// @param repeated entries that were there already
  /// @param refusedEntries entries that were too large
  /// @param failedCommits commits that the disk refused
  /// @param lastCommitMs when the last commit was shown, UTC, or 0
  /// @param broken why the log stopped, or null while it runs
  public record Status(
      long entries,
      long queued,
      long full,
      long repeated,
      long refusedEntries,
      long failedCommits,
      long lastCommitMs,
      @Nullable String broken) {}

  private record Pending(LogEntry entry, long journalPosition) {}

  private record Signed(SignedNote note, Checkpoint checkpoint, long journalPosition) {}

  private final LogSettings settings;
  private final LogKeys keys;
  private final LongSupplier nowMs;
  private final DurableFiles files;
  private final DurableFiles keyFiles;
  private final LogFolder folder;
  private final LogSource source;
  private final List<FolderLock> locks;
  private final Thread writer;

  private final ConcurrentLinkedQueue<Pending> queue = new ConcurrentLinkedQueue<>();
  private final AtomicInteger queued = new AtomicInteger();
  private final AtomicLong offered = new AtomicLong();
  private final AtomicLong full = new AtomicLong();
  private volatile boolean idle;
  private volatile boolean hurried;
  private volatile boolean closed;
  private volatile @Nullable String broken;

  private final Object settledSignal = new Object();
  private long settled; // offers that are in the log or passed over; under settledSignal
  private volatile long repeated;
  private volatile long refusedEntries;
  private volatile long failedCommits;
  private volatile long lastCommitMs;

  // Of the writer: what is signed and being written.
  private GrowingTree tree;
  private final List<Pending> carried = new ArrayList<>();

  private final Object idsLock = new Object();
  private final IdIndex ids; // under idsLock

  private final Object publishLock = new Object();
  private volatile Signed signed;
  private volatile SignedNote published; // replaced under publishLock
  private final Cosigned cosigned; // under publishLock

  /// Opens a log, or begins one where there is neither log nor key, and starts its writer.
  ///
  /// @param nowMs UTC milliseconds, for the time in ML-DSA-44 signatures
  /// @throws LogRefusedException when the folder is not as this log left it
  public static TransparencyLog open(LogSettings settings, LongSupplier nowMs) throws IOException {
    return open(settings, nowMs, step -> {});
  }

  /// @param afterStep told of each step on the disk
  static TransparencyLog open(LogSettings settings, LongSupplier nowMs, Consumer<String> afterStep)
      throws IOException {
    DurableFiles.createFolder(settings.folder());
    DurableFiles.createFolder(settings.keys());
    var locks = new ArrayList<FolderLock>();
    try {
      locks.add(lock(settings.folder()));
      if (!settings.keys().equals(settings.folder())) {
        locks.add(lock(settings.keys()));
      }
      var opened = new TransparencyLog(settings, nowMs, locks, afterStep);
      opened.writer.start();
      return opened;
    } catch (IOException | RuntimeException e) {
      release(locks);
      throw e;
    }
  }

  private TransparencyLog(
      LogSettings settings, LongSupplier nowMs, List<FolderLock> locks, Consumer<String> afterStep)
      throws IOException {
    this.settings = settings;
    this.nowMs = nowMs;
    this.locks = locks;
    files = new DurableFiles(settings.folder().resolve("tmp"), afterStep);
    keyFiles = new DurableFiles(settings.keys().resolve("tmp"), afterStep);
    folder = new LogFolder(settings.publicFolder());
    source = LogSource.of(settings.publicFolder());
    DurableFiles.createFolder(settings.publicFolder());

    SignedMemory memory = SignedMemory.read(settings.keys());
    if (memory == null && folder.used()) {
      throw new LogRefusedException(
          settings.folder()
              + " holds a log, but "
              + SignedMemory.file(settings.keys())
              + " is missing: without it the log could contradict itself. Restore the keys' folder.");
    }
    if (memory != null && !LogKeys.exist(settings.keys())) {
      throw new LogRefusedException(
          settings.keys() + " remembers a log but lacks its keys. Restore them from their backup.");
    }
    keys = LogKeys.open(settings.keys(), settings.origin(), LogKeys.Role.LOG, keyFiles);
    if (memory == null) {
      memory = begin();
    }
    Signed last = new Signed(memory.note(), memory.checkpoint(), memory.journalPosition());
    checkMemory(last);
    SignedNote shown = folder.published(memory.note(), keys.publicKeys());
    tree = folder.tree(last.checkpoint());
    folder.removeUnsigned(last.checkpoint().size());
    if (shown != null) {
      folder.checkEarlier(shown, last.checkpoint());
    }
    signed = last;
    ids = readIds(last.checkpoint());
    if (shown == null || !shown.text().equals(last.note().text())) {
      shown = last.note();
      publish(shown);
    }
    published = shown;
    cosigned = new Cosigned(Set.of(settings.origin()));
    cosigned.add(shown, List.of());
    Path policy = settings.folder().resolve("trust-policy.txt");
    files.putForced(policy, keys.policyText().getBytes(java.nio.charset.StandardCharsets.UTF_8));
    writer = Thread.ofPlatform().daemon().name("transparency-log").unstarted(this::run);
  }

  private static FolderLock lock(Path folder) throws IOException {
    FolderLock lock = FolderLock.take(folder.resolve("lock"));
    if (lock == null) {
      throw new LogRefusedException(
          folder + " is in use by another log (expected: one writer; stop the other one)");
    }
    return lock;
  }

  private static void release(List<FolderLock> locks) throws IOException {
    for (FolderLock lock : locks) {
      lock.close();
    }
  }

  private SignedMemory begin() throws IOException {
    var empty = new Checkpoint(settings.origin(), 0, Hash.OF_EMPTY_TREE);
    var memory = new SignedMemory(-1, sign(empty));
    keyFiles.putForced(SignedMemory.file(settings.keys()), memory.bytes());
    return memory;
  }

  private void checkMemory(Signed last) throws LogRefusedException {
    try {
      if (last.note().signers(keys.publicKeys()).size() < keys.publicKeys().size()) {
        throw new UntrustedException("a signature is missing");
      }
    } catch (UntrustedException e) {
      throw new LogRefusedException(
          SignedMemory.file(settings.keys())
              + " was not signed by the keys beside it: "
              + e.getMessage());
    }
    if (!last.checkpoint().origin().equals(settings.origin())) {
      throw new LogRefusedException(
          settings.keys()
              + " belongs to the log '"
              + last.checkpoint().origin()
              + "' (expected: '"
              + settings.origin()
              + "')");
    }
  }

  private SignedNote sign(Checkpoint checkpoint) {
    String text = checkpoint.text();
    long seconds = Math.max(1, nowMs.getAsLong() / 1_000);
    return new SignedNote(
        text, keys.signers().stream().map(signer -> signer.sign(text, seconds)).toList());
  }

  // ---- the index of ids

  private Path idsFile() {
    return settings.folder().resolve("ids");
  }

  /// From the entries where they are few (then all of the log is checked), else from the file of
  /// fingerprints, which is only ever a help to find: what it finds is compared with the entry.
  private IdIndex readIds(Checkpoint checkpoint) throws IOException {
    var index = new IdIndex(settings.idsMax());
    long size = checkpoint.size();
    if (size <= settings.fullCheckMax() || !Files.exists(idsFile())) {
      try (FileChannel out =
          FileChannel.open(
              idsFile(),
              StandardOpenOption.CREATE,
              StandardOpenOption.WRITE,
              StandardOpenOption.TRUNCATE_EXISTING)) {
        var page = ByteBuffer.allocate(Tile.WIDTH * ID_BYTES);
        try {
          LogAudit.walk(
              source,
              checkpoint,
              null,
              (leaf, bytes) -> {
                LogEntry.Read entry = LogEntry.read(bytes);
                long fingerprint = LogEntry.fingerprint(entry.receipt(), entry.id());
                index.add(fingerprint);
                page.putLong(fingerprint);
                if (!page.hasRemaining()) {
                  flush(page, out);
                }
              });
        } catch (UntrustedException | FormatException e) {
          throw new LogRefusedException(
              "the log in "
                  + settings.publicFolder()
                  + " was changed: "
                  + e.getMessage()
                  + ". Restore it from a copy.");
        }
        flush(page, out);
      }
      return index;
    }
    try (FileChannel file =
        FileChannel.open(idsFile(), StandardOpenOption.READ, StandardOpenOption.WRITE)) {
      long known = Math.min(size, file.size() / ID_BYTES);
      file.truncate(known * ID_BYTES);
      long first = Math.max(0, known - settings.idsMax() / 2);
      index.startAt(first);
      var page = ByteBuffer.allocate(1 << 16);
      file.position(first * ID_BYTES);
      while (file.read(page) >= 0) {
        page.flip();
        while (page.remaining() >= ID_BYTES) {
          index.add(page.getLong());
        }
        page.compact();
      }
      file.position(known * ID_BYTES);
      for (long leaf = known; leaf < size; leaf++) {
        LogEntry.Read entry = LogEntry.read(entryAt(leaf, size));
        long fingerprint = LogEntry.fingerprint(entry.receipt(), entry.id());
        index.add(fingerprint);
        file.write(ByteBuffer.allocate(ID_BYTES).putLong(fingerprint).flip());
      }
    }
    return index;
  }

  private static void flush(ByteBuffer page, FileChannel out) {
    try {
      page.flip();
      while (page.hasRemaining()) {
        out.write(page);
      }
      page.clear();
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }

  // ---- offering

  /// Offers an entry that no journal has. Never waits; safe on an event loop.
  public Offer offer(LogEntry entry) {
    return offer(entry, -1);
  }

  /// Offers an entry from a journal: positions rise, and after `FULL` the same one comes next, so
  /// that the log's `journalPosition` means everything up to it.
  public Offer offer(LogEntry entry, long journalPosition) {
    if (closed || broken != null) {
      return Offer.CLOSED;
    }
    int waiting = queued.incrementAndGet();
    if (waiting > settings.queueMax()) {
      queued.decrementAndGet();
      full.incrementAndGet();
      return Offer.FULL;
    }
    offered.incrementAndGet();
    queue.add(new Pending(entry, journalPosition));
    if (idle || waiting == settings.batchMax()) {
      LockSupport.unpark(writer);
    }
    return Offer.TAKEN;
  }

  /// The highest journal position whose entry is in the log for good, or -1: a journal is played on
  /// from behind it.
  public long journalPosition() {
    return signed.journalPosition();
  }

  /// Waits until all that was offered before is in the log; false when that takes longer. Not for
  /// an event loop.
  public boolean flush(Duration limit) throws InterruptedException {
    long target = offered.get();
    long end = System.nanoTime() + limit.toNanos();
    hurried = true;
    LockSupport.unpark(writer);
    synchronized (settledSignal) {
      while (settled < target) {
        long leftMs = TimeUnit.NANOSECONDS.toMillis(end - System.nanoTime());
        if (leftMs <= 0 || broken != null) {
          return false;
        }
        settledSignal.wait(leftMs);
      }
      return true;
    }
  }

  // ---- writing

  private void run() {
    long lastCommitNanos = System.nanoTime() - TimeUnit.MILLISECONDS.toNanos(settings.batchMs());
    try {
      while (true) {
        awaitEntries();
        if (closed && queue.isEmpty() && carried.isEmpty()) {
          return;
        }
        awaitBatch(lastCommitNanos);
        boolean done = commitOrKeep();
        lastCommitNanos = System.nanoTime();
        if (!done) {
          if (closed) {
            return;
          }
          LockSupport.parkNanos(RETRY_NANOS);
        }
      }
    } catch (RuntimeException | Error e) {
      log.error("the transparency log stops: {}", e.getMessage(), e);
      broken = String.valueOf(e);
      synchronized (settledSignal) {
        settledSignal.notifyAll();
      }
      if (e instanceof Error error) {
        throw error;
      }
    }
  }

  private void awaitEntries() {
    while (queue.isEmpty() && carried.isEmpty() && !closed) {
      idle = true;
      if (queue.isEmpty() && !closed) {
        LockSupport.park(this);
      }
      idle = false;
    }
  }

  private void awaitBatch(long lastCommitNanos) {
    long due = lastCommitNanos + TimeUnit.MILLISECONDS.toNanos(settings.batchMs());
    while (!closed && !hurried && queued.get() < settings.batchMax()) {
      long left = due - System.nanoTime();
      if (left <= 0) {
        break;
      }
      LockSupport.parkNanos(this, left);
    }
    hurried = false;
  }

  /// True when the batch is in the log; false when the disk failed and the batch is kept.
  private boolean commitOrKeep() {
    while (carried.size() < settings.batchMax()) {
      Pending next = queue.poll();
      if (next == null) {
        break;
      }
      carried.add(next);
    }
    try {
      commit(carried);
    } catch (IOException | UncheckedIOException e) {
      failedCommits++;
      log.warn(
          "the transparency log cannot write to {}: {} ({} entries wait, next try in a second)",
          settings.folder(),
          e.getMessage(),
          queued.get());
      return false;
    }
    int count = carried.size();
    carried.clear();
    queued.addAndGet(-count);
    synchronized (settledSignal) {
      settled += count;
      settledSignal.notifyAll();
    }
    return true;
  }

  private void commit(List<Pending> batch) throws IOException {
    long oldSize = tree.size();
    var grown = new GrowingTree(tree);
    var pieces = new LinkedHashMap<Tile, byte[]>();
    var fingerprints = new ArrayList<Long>();
    Set<String> inBatch = new HashSet<>();
    long position = signed.journalPosition();
    long again = 0;
    long tooLarge = 0;
    for (Pending pending : batch) {
      LogEntry entry = pending.entry();
      boolean receipt = entry instanceof Receipt;
      long fingerprint = LogEntry.fingerprint(receipt, entry.id());
      position = Math.max(position, pending.journalPosition());
      if (!inBatch.add((receipt ? "r" : "c") + entry.id())
          || recentIndexOf(receipt, entry.id(), fingerprint) >= 0) {
        again++;
        continue;
      }
      byte[] bytes = entry.bytes();
      if (bytes.length > LogEntry.BYTES_MAX) {
        tooLarge++;
        log.error("entry {} of {} bytes is too large for the log", entry.id(), bytes.length);
        continue;
      }
      grown.add(bytes, pieces);
      fingerprints.add(fingerprint);
    }
    if (grown.size() > oldSize || position > signed.journalPosition()) {
      List<Tile> complete = List.copyOf(pieces.keySet());
      grown.addPartials(oldSize, pieces);
      write(pieces);
      var checkpoint = new Checkpoint(settings.origin(), grown.size(), grown.root());
      var next = new Signed(sign(checkpoint), checkpoint, position);
      keyFiles.putForced(
          SignedMemory.file(settings.keys()), new SignedMemory(position, next.note()).bytes());
      synchronized (publishLock) {
        publish(next.note());
        tree = grown;
        signed = next;
        published = next.note();
      }
      lastCommitMs = nowMs.getAsLong();
      remember(oldSize, fingerprints);
      removeSuperseded(complete);
    }
    repeated += again;
    refusedEntries += tooLarge;
  }

  /// Entries first, then tiles: a tile never names an entry that is not there.
  private void write(Map<Tile, byte[]> pieces) throws IOException {
    var written = new ArrayList<Path>();
    for (boolean entries : new boolean[] {true, false}) {
      for (Map.Entry<Tile, byte[]> piece : pieces.entrySet()) {
        if (entries == (piece.getKey().level() == Tile.ENTRIES)) {
          Path file = settings.publicFolder().resolve(piece.getKey().path());
          files.put(file, piece.getValue());
          written.add(file);
        }
      }
      files.forceFoldersOf(written, settings.publicFolder());
    }
  }

  private void publish(SignedNote note) throws IOException {
    files.putForced(folder.checkpointFile(), note.bytes());
  }

  /// What is signed is in the log, whatever becomes of this file: without it the next start reads
  /// the ids out of the entries.
  private void remember(long oldSize, List<Long> fingerprints) {
    synchronized (idsLock) {
      fingerprints.forEach(ids::add);
    }
    ByteBuffer page = ByteBuffer.allocate(fingerprints.size() * ID_BYTES);
    fingerprints.forEach(page::putLong);
    try (FileChannel file = FileChannel.open(idsFile(), StandardOpenOption.WRITE)) {
      file.position(oldSize * ID_BYTES);
      flush(page, file);
    } catch (IOException | UncheckedIOException e) {
      log.warn(
          "{} cannot be written ({}): it is made again at the next start",
          idsFile(),
          e.getMessage());
      try {
        Files.deleteIfExists(idsFile());
      } catch (IOException again) {
        log.warn("{} cannot be removed either: remove it by hand", idsFile());
      }
    }
  }

  /// Partial pieces whose full ones are there.
  private void removeSuperseded(List<Tile> complete) {
    for (Tile tile : complete) {
      try {
        folder.removePartials(tile.level(), tile.index(), 0);
      } catch (IOException e) {
        log.warn("partial tiles of {} cannot be removed: {}", tile.path(), e.getMessage());
      }
    }
  }

  /// Adds cosignatures of witnesses to the checkpoint that is shown, if it is still the one that
  /// they signed. The signatures must have been checked.
  void cosign(SignedNote asked, Collection<NoteSignature> cosignatures) throws IOException {
    synchronized (publishLock) {
      SignedNote with = cosigned.add(asked, cosignatures);
      if (published.text().equals(asked.text())) {
        publish(published.with(with.signatures()));
        published = published.with(with.signatures());
      }
    }
  }

  // ---- reading

  /// The checkpoint that is shown, with the cosignatures that came so far.
  public SignedNote checkpoint() {
    return published;
  }

  public List<NoteKey> publicKeys() {
    return keys.publicKeys();
  }

  /// Keyed digests and the pseudonym of a tenant, by the secret beside the log's keys. Keep what
  /// comes back: making it costs 5 µs.
  public TenantDigests digestsOf(String tenant) {
    return keys.digestsOf(tenant);
  }

  public LogSettings settings() {
    return settings;
  }

  public Status status() {
    return new Status(
        signed.checkpoint().size(),
        queued.get(),
        full.get(),
        repeated,
        refusedEntries,
        failedCommits,
        lastCommitMs,
        broken);
  }

  /// The receipt of a request, or null when the log has none (yet). Reads files.
  public @Nullable Logged receipt(String requestId) throws IOException {
    return find(true, requestId);
  }

  /// A change by its id, or null.
  public @Nullable Logged change(String changeId) throws IOException {
    return find(false, changeId);
  }

  private @Nullable Logged find(boolean receipt, String id) throws IOException {
    long fingerprint = LogEntry.fingerprint(receipt, id);
    long size = signed.checkpoint().size();
    long index = recentIndexOf(receipt, id, fingerprint);
    if (index < 0) {
      index = oldIndexOf(receipt, id, fingerprint);
    }
    return index < 0 || index >= size ? null : new Logged(index, entryAt(index, size));
  }

  /// Among those whose ids are in memory; -1 when it is none of them.
  private long recentIndexOf(boolean receipt, String id, long fingerprint) throws IOException {
    var leaves = new ArrayList<Long>();
    synchronized (idsLock) {
      ids.find(fingerprint, leaves::add);
    }
    return matching(leaves, receipt, id);
  }

  private long matching(List<Long> leaves, boolean receipt, String id) throws IOException {
    for (long leaf : leaves) {
      long size = signed.checkpoint().size();
      if (leaf < size) {
        LogEntry.Read entry = LogEntry.read(entryAt(leaf, size));
        if (entry.receipt() == receipt && entry.id().equals(id)) {
          return leaf;
        }
      }
    }
    return -1;
  }

  /// Among those before: a scan of 8 bytes an entry.
  private long oldIndexOf(boolean receipt, String id, long fingerprint) throws IOException {
    long end;
    synchronized (idsLock) {
      end = ids.first();
    }
    if (end == 0) {
      return -1;
    }
    try (FileChannel file = FileChannel.open(idsFile(), StandardOpenOption.READ)) {
      var page = ByteBuffer.allocate(1 << 20);
      var leaves = new ArrayList<Long>();
      for (long leaf = 0; leaf < end && file.read(page) >= 0; ) {
        page.flip();
        while (page.remaining() >= ID_BYTES && leaf < end) {
          if (page.getLong() == fingerprint) {
            leaves.add(leaf);
          }
          leaf++;
        }
        page.compact();
      }
      return matching(leaves, receipt, id);
    }
  }

  private byte[] entryAt(long index, long size) throws IOException {
    Tile tile = Tile.holding(Tile.ENTRIES, index, size);
    return Tiles.entries(tile, source.tile(tile)).get((int) (index % Tile.WIDTH));
  }

  /// What proves offline that an entry is in the log: under the checkpoint with the most witnesses
  /// that has the entry, else under the newest one. Reads a tile of each level.
  public TlogProof prove(long index) throws IOException {
    SignedNote note;
    synchronized (publishLock) {
      SignedNote best = cosigned.best(index);
      note = best == null ? published : best;
    }
    return LogAudit.prove(source, note, index);
  }

  /// What shows that the tree of `size` leaves begins with that of `oldSize`.
  List<Hash> consistency(long oldSize, long size) throws IOException {
    try {
      return TreeProofs.consistency(oldSize, size, new TiledNodes(size, LogAudit.tilesOf(source)));
    } catch (UncheckedIOException e) {
      throw e.getCause();
    }
  }

  /// Writes what waits, then ends.
  @Override
  public void close() throws IOException {
    closed = true;
    LockSupport.unpark(writer);
    try {
      writer.join(TimeUnit.SECONDS.toMillis(30));
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
    }
    release(locks);
  }
}
