package org.aigrid.live.books;

import io.zonky.test.db.postgres.embedded.EmbeddedPostgres;
import java.io.IOException;
import java.nio.channels.FileChannel;
import java.nio.file.AccessDeniedException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.nio.file.attribute.PosixFilePermissions;
import java.security.SecureRandom;
import java.time.Duration;
import java.util.HexFormat;
import java.util.List;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicLong;
import java.util.concurrent.locks.LockSupport;
import org.aigrid.live.files.FolderLock;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/// The grid's own PostgreSQL: a real one in processes of its own, with its data in a folder, on a
/// port of the loopback address, with a password that lies in the folder, readable for its owner
/// only. It writes through to the disk (`fsync` and `synchronous_commit` on).
///
/// It survives whatever ends the grid: a server that an earlier grid left running is stopped, one
/// that was killed recovers from its own log. And the grid survives whatever ends it: a thread
/// looks each `LOOK_EVERY` and starts it again on the same data and port, at once the first time,
/// then after a pause that doubles up to `PAUSE_MAX` until it has lived for `STEADY`. All processes
/// of the last one have ended before: two servers on one folder would destroy it. Only processes of
/// PostgreSQL are ended: whoever else stands in the folder, a shell or a backup, is left alone. A
/// folder is one grid's at a time.
final class OwnPostgres implements AutoCloseable {
  private static final Logger log = LoggerFactory.getLogger(OwnPostgres.class);
  static final String USER = "postgres";
  private static final Duration START_MAX = Duration.ofSeconds(60);
  private static final Duration STOP_MAX = Duration.ofSeconds(20);
  private static final Duration ORPHAN_MAX = Duration.ofSeconds(1);
  private static final Duration LOOK_EVERY = Duration.ofMillis(100);
  private static final Duration PAUSE_MIN = Duration.ofMillis(250);
  private static final Duration PAUSE_MAX = Duration.ofSeconds(30);
  private static final Duration STEADY = Duration.ofMinutes(1);
  private static final String DELETED = " (deleted)";
  private static final boolean PROC = Files.isDirectory(Path.of("/proc/self"));

  private final Path data;
  private final String password;
  private final FolderLock folderLock;
  private final int port;
  private volatile @Nullable EmbeddedPostgres server;
  private volatile long pid;
  private final AtomicLong restarts = new AtomicLong();
  private volatile boolean closing;
  private volatile @Nullable Thread watcher;

  private OwnPostgres(
      Path data, String password, FolderLock folderLock, EmbeddedPostgres server, long pid) {
    this.data = data;
    this.password = password;
    this.folderLock = folderLock;
    this.server = server;
    this.pid = pid;
    port = server.getPort();
  }

  /// Starts it; seconds the first time, under one afterwards.
  static OwnPostgres start(Path folder) {
    Path data = folder.toAbsolutePath().normalize().resolve("postgres");
    FolderLock folderLock = null;
    EmbeddedPostgres server = null;
    try {
      Files.createDirectories(data);
      ownerOnly(data, "rwx------");
      folderLock = lock(folder);
      stopLeftover(data, PROC);
      String password = password(folder.resolve("postgres.password"));
      server = launch(data, password, 0);
      requirePassword(server, data, password);
      return new OwnPostgres(data, password, folderLock, server, pidOf(data));
    } catch (IOException | RuntimeException e) {
      closeQuietly(server);
      closeQuietly(folderLock);
      if (e instanceof BooksException known) {
        throw known;
      }
      throw new BooksException(
          "cannot start the embedded PostgreSQL in "
              + data
              + ": "
              + Database.reason(e)
              + " (its own words are in "
              + data
              + "; another PostgreSQL can be given by URL)",
          e);
    }
  }

  /// @param port 0 for a free one
  private static EmbeddedPostgres launch(Path data, String password, int port) throws IOException {
    // Of a launch that failed in this process; books.lock is what keeps others out.
    Files.deleteIfExists(data.resolve("epg-lock"));
    EmbeddedPostgres.Builder builder =
        EmbeddedPostgres.builder()
            .setDataDirectory(data)
            .setCleanDataDirectory(false)
            .setRegisterShutdownHook(false)
            .setPGStartupWait(START_MAX)
            .setServerConfig("fsync", "on")
            .setServerConfig("synchronous_commit", "on")
            .setServerConfig("max_connections", "40")
            .setServerConfig("shared_buffers", "64MB")
            .setServerConfig("listen_addresses", "localhost")
            .setServerConfig("unix_socket_directories", "")
            .setConnectConfig("password", password)
            .setOutputRedirector(ProcessBuilder.Redirect.DISCARD)
            .setErrorRedirector(ProcessBuilder.Redirect.DISCARD);
    if (port != 0) {
      builder.setPort(port);
    }
    return builder.start();
  }

  private static long pidOf(Path data) throws IOException {
    Path file = data.resolve("postmaster.pid");
    List<String> lines = Files.exists(file) ? Files.readAllLines(file) : List.of();
    try {
      return lines.isEmpty() ? -1 : Long.parseLong(lines.getFirst().strip());
    } catch (NumberFormatException e) {
      return -1;
    }
  }

  // ---- watching

  /// From here on it is started again when it ends.
  ///
  /// @param restarted told each time, on the watcher's thread
  void watch(Runnable restarted) {
    Thread thread =
        Thread.ofPlatform().daemon().name("postgres-watch").unstarted(() -> look(restarted));
    watcher = thread;
    thread.start();
  }

  private void look(Runnable restarted) {
    long steadySince = System.nanoTime();
    Duration pause = Duration.ZERO;
    while (!closing) {
      LockSupport.parkNanos(LOOK_EVERY.toNanos());
      if (closing || runs()) {
        continue;
      }
      long ended = System.nanoTime();
      if (ended - steadySince > STEADY.toNanos()) {
        pause = Duration.ZERO;
      }
      long was = pid;
      log.warn(
          "the PostgreSQL of the books (process {}) has ended by itself; it is started again on its"
              + " data, and the grid serves from what it holds meanwhile",
          was);
      pause = startAgain(pause);
      steadySince = System.nanoTime();
      if (!closing) {
        restarts.incrementAndGet();
        restarted.run();
        log.warn(
            "the PostgreSQL of the books runs again as process {} on port {}, {} ms after process"
                + " {} was missed",
            pid,
            port,
            TimeUnit.NANOSECONDS.toMillis(System.nanoTime() - ended),
            was);
      }
    }
  }

  private boolean runs() {
    return PROC
        ? runsOn(pid, data)
        : ProcessHandle.of(pid).map(ProcessHandle::isAlive).orElse(false);
  }

  /// Tries until it runs or the grid ends; returns the pause before the next try.
  private Duration startAgain(Duration before) {
    Duration pause = before;
    while (!closing) {
      LockSupport.parkNanos(pause.toNanos());
      pause = pause.isZero() ? PAUSE_MIN : pause.multipliedBy(2);
      pause = pause.compareTo(PAUSE_MAX) > 0 ? PAUSE_MAX : pause;
      try {
        stopLeftover(data, PROC);
        closeQuietly(server); // its processes are gone: what is left is the library's own lock
        server = null;
        if (!closing) {
          server = launch(data, password, port);
          pid = pidOf(data);
          return pause;
        }
      } catch (IOException | RuntimeException e) {
        log.error(
            "the PostgreSQL of the books cannot be started again on port {}: {} (next try in {} ms;"
                + " its own words are in {})",
            port,
            Database.reason(e),
            pause.toMillis(),
            data);
      }
    }
    return pause;
  }

  private static FolderLock lock(Path folder) throws IOException {
    FolderLock lock = FolderLock.take(folder.resolve("books.lock"));
    if (lock == null) {
      throw new BooksException(
          "the data folder "
              + folder
              + " is in use by another grid (stop that one, or use another folder)");
    }
    return lock;
  }

  /// A server that runs on this folder belongs to a grid that is no more, since the lock is ours.
  /// One that may run there and cannot be looked at is an error of one sentence, and its pid file
  /// stays: without that, the next server would start beside it.
  ///
  /// @param proc whether `/proc` says where processes work and what they are
  static void stopLeftover(Path data, boolean proc) throws IOException {
    Path pidFile = data.resolve("postmaster.pid");
    if (!Files.exists(pidFile)) {
      return;
    }
    long pid = -1;
    try {
      pid = Long.parseLong(Files.readAllLines(pidFile).getFirst().strip());
    } catch (RuntimeException e) {
      log.warn("{} is not understood and removed", pidFile);
    }
    if (!proc || hidden(pid)) {
      refuseLive(pid, data);
    } else if (runsOn(pid, data)) {
      log.info("stopping the PostgreSQL {} that an earlier grid left running", pid);
      // "fast" as pg_ctl says it; a plain TERM would wait for clients
      signal(pid, "INT");
      if (!gone(pid, data, STOP_MAX)) {
        signal(pid, "QUIT");
        if (!gone(pid, data, STOP_MAX)) {
          end(pid, data);
        }
      }
    }
    endOrphans(data);
    // whoever has that number now, it is no server on this folder
    Files.deleteIfExists(pidFile);
  }

  /// A server's processes end when they find it gone, which one in the middle of long work does
  /// not: it would go on writing beside the next server.
  private static void endOrphans(Path data) {
    List<Long> orphans =
        ProcessHandle.allProcesses()
            .map(ProcessHandle::pid)
            .filter(one -> runsOn(one, data))
            .toList();
    for (long orphan : orphans) {
      if (!gone(orphan, data, ORPHAN_MAX)) {
        log.warn("ending process {} of a PostgreSQL that is no more", orphan);
        end(orphan, data);
      }
    }
  }

  private static void end(long pid, Path data) {
    ProcessHandle.of(pid).ifPresent(ProcessHandle::destroyForcibly);
    if (!gone(pid, data, STOP_MAX)) {
      throw new BooksException(
          "process " + pid + " of a PostgreSQL on " + data + " cannot be ended (end it by hand)");
    }
  }

  /// Whether a process is one of a PostgreSQL on a folder: what it runs is called so, and it works
  /// there. False where that cannot be known. A zombie is none.
  private static boolean runsOn(long pid, Path data) {
    Path process = Path.of("/proc", Long.toString(pid));
    try {
      return process.resolve("cwd").toRealPath().equals(data.toRealPath())
          && isServer(Files.readSymbolicLink(process.resolve("exe")).toString());
    } catch (IOException e) {
      return false;
    }
  }

  /// @param program its path; Linux marks one whose file is gone
  private static boolean isServer(String program) {
    String path =
        program.endsWith(DELETED)
            ? program.substring(0, program.length() - DELETED.length())
            : program;
    return path.endsWith("/postgres");
  }

  /// Whether there is such a process and this user may not see what it is.
  private static boolean hidden(long pid) {
    try {
      Files.readSymbolicLink(Path.of("/proc", Long.toString(pid), "exe"));
      return false;
    } catch (AccessDeniedException e) {
      return true;
    } catch (IOException e) {
      return false; // there is none, or a zombie
    }
  }

  /// Where nobody says in which folder a process works: one that lives under that number and may be
  /// a PostgreSQL is taken for this folder's.
  private static void refuseLive(long pid, Path data) {
    boolean may =
        ProcessHandle.of(pid)
            .filter(ProcessHandle::isAlive)
            .map(process -> process.info().command().map(OwnPostgres::isServer).orElse(true))
            .orElse(false);
    if (may) {
      throw new BooksException(
          "process "
              + pid
              + " seems to be the PostgreSQL that an earlier grid left running on "
              + data
              + " (stop it with kill -INT "
              + pid
              + " and start the grid again; if it is something else, remove "
              + data.resolve("postmaster.pid")
              + ")");
    }
  }

  private static boolean gone(long pid, Path data, Duration limit) {
    long end = System.nanoTime() + limit.toNanos();
    while (runsOn(pid, data)) {
      if (System.nanoTime() - end >= 0) {
        return false;
      }
      LockSupport.parkNanos(TimeUnit.MILLISECONDS.toNanos(10));
    }
    return true;
  }

  private static void signal(long pid, String name) throws IOException {
    try {
      new ProcessBuilder("kill", "-" + name, Long.toString(pid))
          .redirectErrorStream(true)
          .redirectOutput(ProcessBuilder.Redirect.DISCARD)
          .start()
          .waitFor(5, TimeUnit.SECONDS);
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
      throw new IOException("interrupted", e);
    }
  }

  private static String password(Path file) throws IOException {
    if (Files.exists(file)) {
      String known = Files.readString(file).strip();
      if (!known.isEmpty()) {
        return known;
      }
    }
    var bytes = new byte[24];
    new SecureRandom().nextBytes(bytes);
    String fresh = HexFormat.of().formatHex(bytes);
    Files.deleteIfExists(file);
    Files.createFile(file);
    ownerOnly(file, "rw-------");
    try (FileChannel channel = FileChannel.open(file, StandardOpenOption.WRITE)) {
      channel.write(
          java.nio.ByteBuffer.wrap(fresh.getBytes(java.nio.charset.StandardCharsets.US_ASCII)));
      channel.force(true);
    }
    return fresh;
  }

  private static void ownerOnly(Path path, String permissions) throws IOException {
    if (path.getFileSystem().supportedFileAttributeViews().contains("posix")) {
      Files.setPosixFilePermissions(path, PosixFilePermissions.fromString(permissions));
    }
  }

  /// A fresh server trusts everybody on this machine; from here on it asks for the password.
  private static void requirePassword(EmbeddedPostgres server, Path data, String password)
      throws IOException {
    Path rules = data.resolve("pg_hba.conf");
    String asked =
        "# Written by AI Grid: nobody without the password.\n"
            + "host all all 127.0.0.1/32 scram-sha-256\nhost all all ::1/128 scram-sha-256\n";
    if (Files.readString(rules).equals(asked)) {
      return;
    }
    try (var connection = server.getPostgresDatabase().getConnection();
        var statement = connection.createStatement()) {
      statement.execute("alter role " + USER + " password '" + password + "'"); // hexadecimal
      Path fresh = data.resolve("pg_hba.conf.fresh");
      Files.writeString(fresh, asked);
      ownerOnly(fresh, "rw-------");
      Files.move(
          fresh,
          rules,
          java.nio.file.StandardCopyOption.ATOMIC_MOVE,
          java.nio.file.StandardCopyOption.REPLACE_EXISTING);
      statement.execute("select pg_reload_conf()");
    } catch (java.sql.SQLException e) {
      throw new IOException("cannot set its password: " + e.getMessage(), e);
    }
  }

  String url() {
    return "jdbc:postgresql://localhost:" + port + "/postgres";
  }

  String password() {
    return password;
  }

  int port() {
    return port;
  }

  long restarts() {
    return restarts.get();
  }

  /// From here on its end is meant.
  void unwatch() {
    closing = true;
    Thread thread = watcher;
    if (thread != null) {
      thread.interrupt();
      try {
        thread.join();
      } catch (InterruptedException e) {
        Thread.currentThread().interrupt();
      }
    }
  }

  @Override
  public void close() {
    unwatch();
    closeQuietly(server);
    closeQuietly(folderLock);
  }

  private static void closeQuietly(@Nullable AutoCloseable open) {
    if (open != null) {
      try {
        open.close();
      } catch (Exception e) {
        log.warn("closing the database: {}", e.getMessage());
      }
    }
  }
}
