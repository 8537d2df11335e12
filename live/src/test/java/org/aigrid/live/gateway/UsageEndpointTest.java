package org.aigrid.live.gateway;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.netty.handler.codec.http.QueryStringDecoder;
import java.time.Instant;
import java.time.YearMonth;
import java.util.List;
import org.aigrid.live.books.TenantUsage.Format;
import org.aigrid.live.books.TenantUsage.Question;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.Test;

class UsageEndpointTest {
  private static final Instant NOW = Instant.parse("2026-11-30T23:59:59Z");

  private static Question asked(String query, @Nullable String accept) {
    return UsageEndpoint.question(
        "t", new QueryStringDecoder("/v1/usage" + query).parameters(), accept, NOW);
  }

  @Test
  void withoutParametersItIsThisMonthByDayModelAndSite() {
    assertThat(asked("", null))
        .isEqualTo(
            new Question(
                "t", null, YearMonth.of(2026, 11), List.of("day", "model", "site"), Format.JSON));
    assertThat(asked("?month=2026-02&by=project&project=p&format=focus-json", "text/csv"))
        .isEqualTo(
            new Question("t", "p", YearMonth.of(2026, 2), List.of("project"), Format.FOCUS_JSON));
    assertThat(asked("", "text/csv;q=0.9, */*").format()).isEqualTo(Format.FOCUS);
    assertThat(asked("?format=json", "text/csv").format()).isEqualTo(Format.JSON);
    assertThat(asked("", "application/json").format()).isEqualTo(Format.JSON);
  }

  @Test
  void nothingInARequestNamesATenant() {
    for (String query :
        List.of(
            "?tenant=other",
            "?by=tenant",
            "?by=day,tenant",
            "?month=today",
            "?month=%2B999999999-12",
            "?month=%2B300000-01",
            "?month=-2026-11",
            "?month=2026-13",
            "?month=2026-00",
            "?month=2026-1",
            "?month=",
            "?project=%00",
            "?project=",
            "?project=a%20b",
            "?project=../other/default",
            "?by=",
            "?by=day,colour",
            "?by=day,day,day,day,day,day,day,day,day",
            "?format=xml",
            "?project=a&project=b",
            "?x")) {
      assertThatThrownBy(() -> asked(query, null))
          .as(query)
          .isInstanceOf(IllegalArgumentException.class)
          .hasMessageContaining("expected");
    }
    assertThat(asked("?project=other-1", null).tenant()).isEqualTo("t");
    assertThat(asked("?month=0000-01", null).month()).isEqualTo(YearMonth.of(0, 1));
    assertThat(asked("?month=9999-12", null).month()).isEqualTo(YearMonth.of(9_999, 12));
  }
}
