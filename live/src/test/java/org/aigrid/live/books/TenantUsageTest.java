package org.aigrid.live.books;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.time.Duration;
import java.time.Instant;
import java.time.YearMonth;
import java.util.Arrays;
import java.util.List;
import java.util.concurrent.ConcurrentLinkedQueue;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;
import org.aigrid.core.model.ServiceTier;
import org.aigrid.live.books.Journal.Position;
import org.junit.jupiter.api.Test;

class TenantUsageTest extends WithBooks {
  @Test
  void questionsAboutUsageWaitWithinBoundsAndNoTenantTakesThemAll() throws Exception {
    YearMonth month = YearMonth.of(2026, 11);
    var answers = new ConcurrentLinkedQueue<TenantUsage.Answer>();
    var held = new CountDownLatch(1);
    var release = new CountDownLatch(1);
    Thread locker =
        Thread.ofVirtual()
            .start(
                () ->
                    database
                        .jdbi()
                        .useTransaction(
                            handle -> {
                              handle.execute("lock table requests in access exclusive mode");
                              held.countDown();
                              await(release);
                            }));
    int taken = 0;
    try (var usage = new TenantUsage(new UsageReports(database))) {
      assertThat(held.await(20, TimeUnit.SECONDS)).isTrue();
      for (int tenant = 0; tenant < 100; tenant++) {
        int ofTenant = 0;
        for (int i = 0; i < 10; i++) {
          var question =
              new TenantUsage.Question(
                  "t" + tenant, null, month, List.of("day"), TenantUsage.Format.JSON);
          ofTenant += usage.ask(question, answers::add) ? 1 : 0;
        }
        assertThat(ofTenant).isLessThanOrEqualTo(TenantUsage.OF_TENANT_MAX);
        assertThat(ofTenant).as("the first is served").isEqualTo(tenant == 0 ? 4 : ofTenant);
        taken += ofTenant;
      }
      assertThat(taken).isBetween(TenantUsage.WAITING_MAX, TenantUsage.WAITING_MAX + 2);
      release.countDown();
      int expected = taken;
      until(() -> answers.size() == expected);
      assertThat(answers).allMatch(answer -> answer instanceof TenantUsage.Answer.Text);
      var after =
          new TenantUsage.Question("t0", null, month, List.of("day"), TenantUsage.Format.FOCUS);
      assertThat(usage.ask(after, answers::add)).as("what was answered is not counted").isTrue();
      until(() -> answers.size() == expected + 1);
    } finally {
      release.countDown();
      assertThat(locker.join(Duration.ofSeconds(20))).isTrue();
    }
  }

  @Test
  void aQuestionAboutUsageThatTakesTooLongIsRefusedWithAdvice() {
    var hasty = new UsageReports(database, 100);
    var query = new UsageReports.Query(null, null, YearMonth.of(2026, 11), List.of("tenant"));
    try (var other = database.jdbi().open()) {
      other.useTransaction(
          handle -> {
            handle.execute("lock table requests in access exclusive mode");
            assertThatThrownBy(() -> hasty.rows(query))
                .isInstanceOf(BooksException.class)
                .hasMessageContaining("expected: fewer dimensions");
          });
    }
    assertThat(hasty.rows(query)).isNotNull();
  }

  @Test
  void usageIsSummedAndExportedAsFocus() {
    tenants.create(ME, "focus", "Focus, \"quoted\"", true);
    tenants.credit(ME, "focus", 10_000_000, "focus-1", "");
    UsageRecord full = Records.of("f1", "focus", 1_200);
    UsageRecord second = Records.of("f2", "focus", 300);
    var cheap =
        new UsageRecord(
            "f3",
            "focus",
            "default",
            "k",
            "llama-3.1-8b",
            ServiceTier.HARVEST,
            "hub",
            "JP",
            "operator",
            "1",
            10,
            0,
            5,
            100,
            700,
            "",
            "complete",
            full.begunAtMs(),
            full.endedAtMs());
    ledger.hold("gw-focus", "focus", 5_000, LATER, Records.reference());
    ledger.apply("gw-focus", "jf", List.of(full, second, cheap), new Position(1, 1));
    var reports = new UsageReports(database);
    YearMonth month = UsageReports.monthOf(Instant.ofEpochMilli(full.endedAtMs()));
    assertThat(month).isEqualTo(YearMonth.of(2023, 11));
    assertThat(
            reports.csv(
                new UsageReports.Query("focus", null, month, List.of("model", "site", "day"))))
        .isEqualTo(
            """
            model,site,day,requests,prompt_tokens,cached_tokens,output_tokens,charged,list
            llama-3.1-8b,cell-1,2023-11-14,2,200,40,60,0.0015,0.0015
            llama-3.1-8b,hub,2023-11-14,1,10,0,5,0.0001,0.0007
            """);
    List<String> lines = reports.focusCsv("focus", month).lines().toList();
    List<String> head = Arrays.asList(lines.getFirst().split(","));
    assertThat(head).startsWith(UsageReports.FOCUS_COLUMNS.toArray(String[]::new));
    assertThat(UsageReports.FOCUS_COLUMNS).hasSize(57).doesNotHaveDuplicates();
    assertThat(head.subList(57, head.size())).allMatch(column -> column.startsWith("x_"));
    assertThat(lines).hasSize(4); // head, two of usage, one credit
    assertThat(lines.get(3))
        .contains("\"Focus, \"\"quoted\"\"\"", "2023-11-14T00:00:00Z", ",0.0015,");
    String credit = lines.stream().filter(line -> line.contains(",Credit,")).findFirst().orElse("");
    assertThat(credit.split(",-0.0006", -1)).as("every cost of the credit").hasSize(6);
    assertThat(reports.focusJson("focus", month)).contains("\"CommitmentDiscountId\":null");
    assertThat(reports.list(new UsageReports.Query("focus", null, month, List.of("site"))))
        .isEqualTo(
            "{\"object\":\"list\",\"month\":\"2023-11\",\"currency\":\"JPY\",\"data\":["
                + "{\"object\":\"usage\",\"site\":\"cell-1\",\"num_model_requests\":2,"
                + "\"input_tokens\":200,\"input_cached_tokens\":40,\"output_tokens\":60,"
                + "\"charged\":\"0.0015\",\"list\":\"0.0015\"},"
                + "{\"object\":\"usage\",\"site\":\"hub\",\"num_model_requests\":1,"
                + "\"input_tokens\":10,\"input_cached_tokens\":0,\"output_tokens\":5,"
                + "\"charged\":\"0.0001\",\"list\":\"0.0007\"}],\"has_more\":false}");
    assertThatThrownBy(
            () -> reports.csv(new UsageReports.Query("focus", null, month, List.of("site"), 1)))
        .hasMessageContaining("more than 1 rows");
    assertThatThrownBy(() -> new UsageReports.Query(null, null, month, List.of("colour")))
        .hasMessageContaining("'colour' (expected:");
  }
}
