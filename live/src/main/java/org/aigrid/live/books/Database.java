package org.aigrid.live.books;

import com.zaxxer.hikari.HikariConfig;
import com.zaxxer.hikari.HikariDataSource;
import java.nio.file.Path;
import org.flywaydb.core.Flyway;
import org.flywaydb.core.api.FlywayException;
import org.jdbi.v3.core.Jdbi;
import org.jspecify.annotations.Nullable;

/// The PostgreSQL of the books: one that runs beside the grid with its data in a folder, or any
/// other by URL. Brought to the newest schema when it is opened. Safe for many threads; calls
/// block.
///
/// The embedded one is a real PostgreSQL (`OwnPostgres`), started again when it ends while the grid
/// lives.
public final class Database implements AutoCloseable {
  /// How a grid's sessions are called, as `pg_stat_activity` shows them.
  static final String SESSIONS = "ai-grid-books";

  /// How they were called while all gateways went by one name in the books.
  static final String SESSIONS_OF_OLDER = "ai-grid";

  private static final int CONNECTIONS_MAX = 6;
  private static final long CONNECT_MAX_MS = 5_000;

  private final @Nullable OwnPostgres server;
  private final HikariDataSource pool;
  private final Jdbi jdbi;

  private Database(@Nullable OwnPostgres server, String url, String user, String password) {
    this.server = server;
    var config = new HikariConfig();
    config.setJdbcUrl(url);
    config.setUsername(user);
    config.setPassword(password);
    config.setMaximumPoolSize(CONNECTIONS_MAX);
    config.setConnectionTimeout(CONNECT_MAX_MS);
    config.setPoolName("books");
    config.addDataSourceProperty("ApplicationName", SESSIONS);
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
          // without the pool's bound on a statement's time: one over large books takes minutes
          .dataSource(url, user, password)
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
    return new Database(null, url, user, password);
  }

  /// The embedded one, with its data in `folder`. Seconds the first time, under one afterwards.
  public static Database embedded(Path folder) {
    OwnPostgres server = OwnPostgres.start(folder);
    try {
      var database = new Database(server, server.url(), OwnPostgres.USER, server.password());
      server.watch(database::dropConnections);
      return database;
    } catch (RuntimeException e) {
      server.close();
      throw e;
    }
  }

  /// The server has been started again: what led to the old one leads nowhere.
  private void dropConnections() {
    pool.getHikariPoolMXBean().softEvictConnections();
  }

  /// For statements.
  public Jdbi jdbi() {
    return jdbi;
  }

  /// The port of the embedded one; 0 for another.
  public int port() {
    return server == null ? 0 : server.port();
  }

  /// How often the embedded one has ended by itself and was started again.
  public long restarts() {
    return server == null ? 0 : server.restarts();
  }

  @Override
  public void close() {
    if (server != null) {
      server.unwatch();
    }
    pool.close();
    if (server != null) {
      server.close();
    }
  }

  private static String bare(String url) {
    int query = url.indexOf('?');
    String plain = query < 0 ? url : url.substring(0, query);
    return plain.replaceAll("//[^/@]*@", "//");
  }

  static String reason(Throwable e) {
    Throwable cause = e;
    while (cause.getCause() != null && cause.getCause() != cause) {
      cause = cause.getCause();
    }
    String message = cause.getMessage();
    return message == null ? cause.toString() : message.lines().findFirst().orElse(message);
  }
}
