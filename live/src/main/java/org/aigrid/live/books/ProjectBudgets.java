package org.aigrid.live.books;

import java.time.Instant;
import java.time.YearMonth;
import java.time.ZoneOffset;
import java.util.Locale;
import org.aigrid.core.charge.SpendingCap;
import org.jdbi.v3.core.Handle;
import org.jdbi.v3.core.Jdbi;

/// What projects may spend of their tenants' money, in the database. A budget is no account, for it
/// is permission and no money: what was spent is the sum of the project's requests, kept by a
/// trigger, and what gateways were given stands in `project_holds` until it is spent, returned or
/// expired. Locks in the order that `Ledger` says. Safe for many threads; calls block.
public final class ProjectBudgets {
  /// The name of the period that never ends.
  static final String TOTAL_PERIOD = "total";

  /// One of the times that a budget counts over.
  ///
  /// @param name a month (UTC) such as `2026-11`, or `TOTAL_PERIOD`
  /// @param endsAtMs when the next one begins, UTC; `Long.MAX_VALUE` for never
  record Period(String name, long endsAtMs) {
    static final Period FOR_EVER = new Period(TOTAL_PERIOD, Long.MAX_VALUE);

    /// The period of a budget at a moment.
    static Period of(SpendingCap budget, long nowMs) {
      if (budget.per() == SpendingCap.Per.TOTAL) {
        return FOR_EVER;
      }
      YearMonth month = month(nowMs);
      Instant end = month.plusMonths(1).atDay(1).atStartOfDay().toInstant(ZoneOffset.UTC);
      return new Period(month.toString(), end.toEpochMilli());
    }

    private static YearMonth month(long atMs) {
      return YearMonth.from(Instant.ofEpochMilli(atMs).atOffset(ZoneOffset.UTC));
    }
  }

  private final Jdbi jdbi;

  ProjectBudgets(Jdbi jdbi) {
    this.jdbi = jdbi;
  }

  /// See `SliceSource.holdBudget`.
  long hold(
      String gateway,
      String tenant,
      String project,
      String period,
      long wantMicros,
      Instant leaseEnd,
      String reference) {
    record Now(long spent, long held) {}
    return jdbi.inTransaction(
        handle -> {
          // Locked first, and summed in a statement after it: who had to wait sees what the other
          // did.
          SpendingCap cap =
              handle
                  .createQuery(
                      "select budget_micros, budget_per from projects where tenant = :tenant and id ="
                          + " :project and budget_micros is not null for no key update")
                  .bind("tenant", tenant)
                  .bind("project", project)
                  .map(
                      (row, _) ->
                          new SpendingCap(
                              row.getLong(1),
                              SpendingCap.Per.valueOf(row.getString(2).toUpperCase(Locale.ROOT))))
                  .findOne()
                  .orElse(null);
          if (cap == null) {
            return wantMicros;
          }
          Long before =
              handle
                  .createQuery("select micros from project_moves where reference = :reference")
                  .bind("reference", reference)
                  .mapTo(Long.class)
                  .findOne()
                  .orElse(null);
          if (before != null) {
            return before;
          }
          boolean total = period.equals(TOTAL_PERIOD);
          if (total != (cap.per() == SpendingCap.Per.TOTAL)) {
            return 0L;
          }
          Now now =
              handle
                  .createQuery(
                      """
                      select (select coalesce(sum(micros), 0)::bigint from project_spending
                          where tenant = :tenant and project = :project and (:total or month = :period)),
                        (select coalesce(sum(micros), 0)::bigint from project_holds
                          where tenant = :tenant and project = :project
                          and (:total or period in (:period, 'total')))
                      """)
                  .bind("tenant", tenant)
                  .bind("project", project)
                  .bind("period", period)
                  .bind("total", total)
                  .map((row, _) -> new Now(row.getLong(1), row.getLong(2)))
                  .one();
          long micros = cap.grant(now.spent(), now.held(), wantMicros);
          handle
              .createUpdate(
                  "insert into project_holds as known (gateway, tenant, project, period, micros,"
                      + " expires_at) values (:gateway, :tenant, :project, :period, :micros, :end)"
                      + " on conflict (gateway, tenant, project, period) do update set micros ="
                      + " known.micros + excluded.micros, expires_at = greatest(known.expires_at,"
                      + " excluded.expires_at)")
              .bind("gateway", gateway)
              .bind("tenant", tenant)
              .bind("project", project)
              .bind("period", period)
              .bind("micros", micros)
              .bind("end", leaseEnd.atOffset(ZoneOffset.UTC))
              .execute();
          if (!remember(handle, reference, micros)) {
            throw new BooksException("budget move " + reference + " is made elsewhere, too");
          }
          return micros;
        });
  }

  private static boolean remember(Handle handle, String reference, long micros) {
    return handle.execute(
            "insert into project_moves (reference, micros) values (?, ?) on conflict do nothing",
            reference,
            micros)
        == 1;
  }

  /// See `SliceSource.giveBackBudget`.
  void giveBack(
      String gateway, String tenant, String project, String period, long micros, String reference) {
    jdbi.useTransaction(
        handle -> {
          if (micros > 0 && remember(handle, reference, micros)) {
            handle
                .createUpdate(
                    "update project_holds set micros = greatest(0, micros - :micros) where gateway"
                        + " = :gateway and tenant = :tenant and project = :project and period ="
                        + " :period")
                .bind("micros", micros)
                .bind("gateway", gateway)
                .bind("tenant", tenant)
                .bind("project", project)
                .bind("period", period)
                .execute();
          }
        });
  }

  /// What a project was charged.
  ///
  /// @param monthMicros for requests that began in the month (UTC) of that moment
  /// @param totalMicros in all
  /// @param heldMicros of its budget, that gateways may spend now
  public record Spending(long monthMicros, long totalMicros, long heldMicros) {}

  Spending spending(String tenant, String project, Instant now) {
    return jdbi.withHandle(
        handle ->
            handle
                .createQuery(
                    """
                    select coalesce(sum(micros) filter (where month = :month), 0)::bigint,
                        coalesce(sum(micros), 0)::bigint,
                        (select coalesce(sum(micros), 0)::bigint from project_holds
                          where tenant = :tenant and project = :project
                            and period in (:month, 'total'))
                      from project_spending where tenant = :tenant and project = :project
                    """)
                .bind("tenant", tenant)
                .bind("project", project)
                .bind("month", Period.month(now.toEpochMilli()).toString())
                .map((row, _) -> new Spending(row.getLong(1), row.getLong(2), row.getLong(3)))
                .one());
  }

  /// A gateway has ended, and its journal is in the books.
  static void drop(Handle handle, String gateway) {
    handle.execute("delete from project_holds where gateway = ?", gateway);
  }

  /// Leases ended some time ago; nobody asks again for what was moved under them.
  static void dropExpired(Handle handle, Instant now) {
    Instant ended = now.minusMillis(Ledger.LEASE_GRACE_MS);
    handle.execute(
        "delete from project_holds where expires_at < ?", ended.atOffset(ZoneOffset.UTC));
    handle.execute(
        "delete from project_moves where at < ?",
        ended.minusMillis(Ledger.LEASE_MS).atOffset(ZoneOffset.UTC));
  }
}
