package org.aigrid.live.books;

import com.zaxxer.hikari.HikariConfig;
import com.zaxxer.hikari.HikariDataSource;
import io.zonky.test.db.postgres.embedded.EmbeddedPostgres;
import java.io.IOException;
import java.nio.channels.FileChannel;
import java.nio.channels.FileLock;
import java.nio.channels.OverlappingFileLockException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.nio.file.attribute.PosixFilePermissions;
import java.security.SecureRandom;
import java.time.Duration;
import java.util.HexFormat;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.TimeoutException;
import org.flywaydb.core.Flyway;
import org.flywaydb.core.api.FlywayException;
import org.jdbi.v3.core.Jdbi;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/// The PostgreSQL of the books: one that runs beside the grid with its data in a folder, or any
/// other by URL. Brought to the newest schema when it is opened. Safe for many threads; calls
/// block.
///
/// The embedded one is a real PostgreSQL in processes of its own, on a port of the loopback
/// address, with a password that lies in the folder, readable for its owner only. It writes through
/// to the disk (`fsync` and `synchronous_commit` on). It survives whatever ends the grid: a server
/// that an earlier grid left running is stopped, one that was killed recovers from its own log. A
/// folder is one grid's at a time.
public final class Database implements AutoCloseable {
  private static final Logger log = LoggerFactory.getLogger(Database.class);
  private static final String USER = "postgres";
  private static final int CONNECTIONS_MAX = 6;
  private static final Duration START_MAX = Duration.ofSeconds(60);
  private static final Duration STOP_MAX = Duration.ofSeconds(20);
  private static final long CONNECT_MAX_MS = 5_000;

  private final @Nullable EmbeddedPostgres server;
  private final @Nullable FileChannel lockFile;
  private final HikariDataSource pool;
  private final Jdbi jdbi;

  private Database(
      @Nullable EmbeddedPostgres server,
      @Nullable FileChannel lockFile,
      String url,
      String user,
      String password) {
    this.server = server;
    this.lockFile = lockFile;
    var config = new HikariConfig();
    config.setJdbcUrl(url);
    config.setUsername(user);
    config.setPassword(password);
    config.setMaximumPoolSize(CONNECTIONS_MAX);
    config.setConnectionTimeout(CONNECT_MAX_MS);
    config.setPoolName("books");
    config.addDataSourceProperty("ApplicationName", "ai-grid");
    config.addDataSourceProperty("socketTimeout", "30");
    config.addDataSourceProperty("tcpKeepAlive", "true");
    config.addDataSourceProperty("reWriteBatchedInserts", "true");
    try {
      pool = new HikariDataSource(config);
    } catch (RuntimeException e) {
      throw new BooksException("cannot connect to the database " + bare(url) + ": " + reason(e), e);
    }
    try {
      Flyway.configure(Database.class.getClassLoader())
          .dataSource(pool)
          .locations("classpath:org/aigrid/live/books/migrations")
          .load()
          .migrate();
    } catch (FlywayException e) {
      pool.close();
      throw new BooksException(
          "cannot bring the database "
              + bare(url)
              + " to the schema of this version: "
              + reason(e)
              + " (a newer grid may have used it: start that one)",
          e);
    }
    jdbi = Jdbi.create(pool);
  }

  /// Any PostgreSQL, 15 or newer.
  ///
  /// @param url `jdbc:postgresql://host:port/database`
  public static Database at(String url, String user, String password) {
    if (!url.startsWith("jdbc:postgresql:")) {
      throw new BooksException(
          "database " + bare(url) + " (expected: jdbc:postgresql://host:port/database)");
    }
    return new Database(null, null, url, user, password);
  }

  /// The embedded one, with its data in `folder`. Seconds the first time, under one afterwards.
  public static Database embedded(Path folder) {
    Path data = folder.toAbsolutePath().normalize().resolve("postgres");
    FileChannel lockFile = null;
    EmbeddedPostgres server = null;
    try {
      Files.createDirectories(data);
      ownerOnly(data, "rwx------");
      lockFile = lock(folder);
      stopLeftover(data);
      String password = password(folder.resolve("postgres.password"));
      server =
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
              .setErrorRedirector(ProcessBuilder.Redirect.DISCARD)
              .start();
      requirePassword(server, data, password);
      return new Database(
          server,
          lockFile,
          "jdbc:postgresql://localhost:" + server.getPort() + "/postgres",
          USER,
          password);
    } catch (IOException | RuntimeException e) {
      closeQuietly(server);
      closeQuietly(lockFile);
      if (e instanceof BooksException known) {
        throw known;
      }
      throw new BooksException(
          "cannot start the embedded PostgreSQL in "
              + data
              + ": "
              + reason(e)
              + " (its own words are in "
              + data
              + "; another PostgreSQL can be given by URL)",
          e);
    }
  }

  private static FileChannel lock(Path folder) throws IOException {
    FileChannel channel =
        FileChannel.open(
            folder.resolve("books.lock"), StandardOpenOption.CREATE, StandardOpenOption.WRITE);
    FileLock held = null;
    try {
      held = channel.tryLock();
    } catch (OverlappingFileLockException e) {
      log.debug("held by this process", e);
    }
    if (held == null) {
      channel.close();
      throw new BooksException(
          "the data folder "
              + folder
              + " is in use by another grid (stop that one, or use another"
              + " folder)");
    }
    return channel;
  }

  /// A server that runs on this folder belongs to a grid that is no more, since the lock is ours.
  private static void stopLeftover(Path data) throws IOException {
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
    ProcessHandle process = ProcessHandle.of(pid).filter(p -> runsOn(p.pid(), data)).orElse(null);
    if (process != null) {
      log.info("stopping the PostgreSQL {} that an earlier grid left running", pid);
      // "fast" as pg_ctl says it; a plain TERM would wait for clients
      signal(pid, "INT");
      if (!ended(process)) {
        signal(pid, "QUIT");
        if (!ended(process)) {
          process.destroyForcibly();
          ended(process);
        }
      }
    }
    // whoever has that number now, it is no server on this folder
    Files.deleteIfExists(pidFile);
  }

  private static boolean runsOn(long pid, Path data) {
    try {
      return Path.of("/proc/" + pid + "/cwd").toRealPath().equals(data.toRealPath());
    } catch (IOException e) {
      return false;
    }
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

  private static boolean ended(ProcessHandle process) {
    try {
      process.onExit().get(STOP_MAX.toSeconds(), TimeUnit.SECONDS);
      return true;
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
      return false;
    } catch (ExecutionException | TimeoutException e) {
      return !process.isAlive();
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

  /// For statements.
  public Jdbi jdbi() {
    return jdbi;
  }

  /// The port of the embedded one; 0 for another.
  public int port() {
    return server == null ? 0 : server.getPort();
  }

  @Override
  public void close() {
    pool.close();
    closeQuietly(server);
    closeQuietly(lockFile);
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

  private static String bare(String url) {
    int query = url.indexOf('?');
    String plain = query < 0 ? url : url.substring(0, query);
    return plain.replaceAll("//[^/@]*@", "//");
  }

  private static String reason(Throwable e) {
    Throwable cause = e;
    while (cause.getCause() != null && cause.getCause() != cause) {
      cause = cause.getCause();
    }
    String message = cause.getMessage();
    return message == null ? cause.toString() : message.lines().findFirst().orElse(message);
  }
}
