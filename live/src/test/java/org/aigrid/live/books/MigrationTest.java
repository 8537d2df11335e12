package org.aigrid.live.books;

import static org.assertj.core.api.Assertions.assertThat;

import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Instant;
import org.flywaydb.core.Flyway;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/// Books of an earlier version are brought to this one with what is in them.
class MigrationTest {
  @Test
  void booksOfTheFirstVersionKeepTheirKeysRolesAndSpending(@TempDir Path folder) throws Exception {
    try (Database fresh = Database.embedded(folder)) {
      fresh.jdbi().useHandle(handle -> handle.execute("create database older"));
      String url = "jdbc:postgresql://localhost:" + fresh.port() + "/older";
      String password = Files.readString(folder.resolve("postgres.password")).strip();
      Flyway.configure(Database.class.getClassLoader())
          .dataSource(url, "postgres", password)
          .locations("classpath:org/aigrid/live/books/migrations")
          .target("1")
          .load()
          .migrate();
      org.jdbi.v3.core.Jdbi.create(url, "postgres", password)
          .useHandle(
              handle ->
                  handle
                      .createScript(
                          """
                          insert into tenants (id, name) values ('t', 'T');
                          insert into projects (tenant, id) values ('t', 'default');
                          insert into members values ('t', 'ann', 'auditor');
                          insert into api_keys (id, tenant, project, sha256, scopes) values
                            ('both', 't', 'default', sha256('both'), '{inference,batch}'),
                            ('only', 't', 'default', sha256('only'), '{batch}');
                          insert into transactions (kind) values ('usage');
                          insert into entries values (1, 'grid/revenue', 12), (1, 'grid/written-off', -12);
                          insert into requests select 'r' || i, 1, 'g', 't', 'default', 'both', 'm',
                            'standard', 's', 'JP', 'o', '1', 1, 0, 1, 2 * i, 2 * i, '', 'complete',
                            '2026-10-31T23:30:00Z'::timestamptz + i * interval '20 minutes', now()
                            from generate_series(1, 3) i;
                          """)
                      .execute());
      try (Database older = Database.at(url, "postgres", password)) {
        var tenants = new Tenants(older);
        var ledger = new Ledger(older);
        TenantDirectory.Key both = tenants.directory().find("both", 0);
        assertThat(both == null ? null : both.scopes()).containsExactly("inference");
        TenantDirectory.Key only = tenants.directory().find("only", 0);
        assertThat(only == null ? null : only.scopes()).isEmpty();
        assertThat(tenants.members("t")).containsExactly(new Tenants.MemberRow("ann", "auditor"));
        assertThat(ledger.spending("t", "default", Instant.parse("2026-10-15T00:00:00Z")))
            .isEqualTo(new ProjectBudgets.Spending(2, 12, 0));
        assertThat(ledger.spending("t", "default", Instant.parse("2026-11-15T00:00:00Z")))
            .isEqualTo(new ProjectBudgets.Spending(10, 12, 0));
        assertThat(ledger.check()).isEmpty();
      }
    }
  }
}
