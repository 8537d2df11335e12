package org.aigrid.live.books;

import java.sql.SQLException;
import java.sql.SQLTransientException;
import java.time.YearMonth;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.concurrent.ArrayBlockingQueue;
import java.util.concurrent.RejectedExecutionException;
import java.util.concurrent.ThreadPoolExecutor;
import java.util.concurrent.TimeUnit;
import java.util.function.Consumer;
import org.jdbi.v3.core.ConnectionException;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/// Answers tenants that ask what they have used, beside the requests that gateways serve: on two
/// threads of its own, so that nobody waits for the database on an event loop, and with bounds, so
/// that no tenant keeps the books, or the other tenants, waiting. Safe for many threads.
public final class TenantUsage implements AutoCloseable {
  /// Questions that wait; one more is turned away.
  public static final int WAITING_MAX = 64;

  /// Questions of one tenant under way or waiting; one more is turned away.
  public static final int OF_TENANT_MAX = 4;

  /// Rows of an answer; a question for more is refused.
  public static final int ROWS_MAX = 20_000;

  private static final int THREADS = 2;
  private static final Set<String> AWAY = Set.of("08", "53", "57");
  private static final Logger log = LoggerFactory.getLogger(TenantUsage.class);

  /// How the answer is written.
  public enum Format {
    /// An object with a list, as the OpenAI API answers.
    JSON,
    CSV,
    /// FOCUS 1.2 as CSV; always by project, model, tier, site and day.
    FOCUS,
    /// FOCUS 1.2 as JSON; likewise.
    FOCUS_JSON;

    /// The media type.
    public String contentType() {
      return this == JSON || this == FOCUS_JSON ? "application/json" : "text/csv; charset=utf-8";
    }
  }

  /// What is asked.
  ///
  /// @param tenant that asks; nothing is read of another
  /// @param project null: all of the tenant's
  /// @param by dimensions of `UsageReports`
  public record Question(
      String tenant, @Nullable String project, YearMonth month, List<String> by, Format format) {}

  /// What came of it.
  public sealed interface Answer {
    record Text(String contentType, String text) implements Answer {}

    /// The question makes no sense.
    record Wrong(String why) implements Answer {}

    /// The database is away.
    record Away() implements Answer {}

    /// The database is there, and the answer was not to be had: a mistake of this program.
    record Failed() implements Answer {}
  }

  private final UsageReports reports;
  private final Map<String, Integer> underWay = new HashMap<>(); // guarded by itself
  private final ThreadPoolExecutor threads =
      new ThreadPoolExecutor(
          THREADS,
          THREADS,
          1,
          TimeUnit.SECONDS,
          new ArrayBlockingQueue<>(WAITING_MAX),
          Thread.ofPlatform().daemon().name("tenant-usage-", 0).factory());

  public TenantUsage(UsageReports reports) {
    this.reports = reports;
  }

  /// Asks; the answer comes once, on a thread of this. False: too many wait, and none comes.
  public boolean ask(Question question, Consumer<Answer> then) {
    if (!enter(question.tenant())) {
      return false;
    }
    try {
      threads.execute(
          () -> {
            Answer answer = answer(question);
            leave(question.tenant());
            then.accept(answer);
          });
      return true;
    } catch (RejectedExecutionException e) {
      leave(question.tenant());
      return false;
    }
  }

  private boolean enter(String tenant) {
    synchronized (underWay) {
      int now = underWay.getOrDefault(tenant, 0);
      if (now >= OF_TENANT_MAX) {
        return false;
      }
      underWay.put(tenant, now + 1);
      return true;
    }
  }

  private void leave(String tenant) {
    synchronized (underWay) {
      underWay.computeIfPresent(tenant, (_, now) -> now == 1 ? null : now - 1);
    }
  }

  private Answer answer(Question question) {
    try {
      var query =
          new UsageReports.Query(
              question.tenant(), question.project(), question.month(), question.by(), ROWS_MAX);
      return new Answer.Text(
          question.format().contentType(),
          switch (question.format()) {
            case JSON -> reports.list(query);
            case CSV -> reports.csv(query);
            case FOCUS -> reports.focusCsv(query);
            case FOCUS_JSON -> reports.focusJson(query);
          });
    } catch (BooksException e) {
      return new Answer.Wrong(String.valueOf(e.getMessage()));
    } catch (RuntimeException e) {
      if (isAway(e)) {
        log.warn("no usage for {}: {}", question.tenant(), e.getMessage());
        return new Answer.Away();
      }
      log.error("no usage for {}", question.tenant(), e);
      return new Answer.Failed();
    }
  }

  /// Whether there was no connection, it broke, or the server ends, is full or took too long (the
  /// classes 08, 53 and 57 of SQL states).
  static boolean isAway(Throwable failed) {
    for (Throwable e = failed; e != null; e = e.getCause()) {
      if (e instanceof SQLTransientException
          || e instanceof ConnectionException
          || e instanceof SQLException sql
              && sql.getSQLState() != null
              && AWAY.contains(sql.getSQLState().substring(0, 2))) {
        return true;
      }
    }
    return false;
  }

  /// Ends; questions that wait get no answer.
  @Override
  public void close() {
    threads.shutdownNow();
  }
}
