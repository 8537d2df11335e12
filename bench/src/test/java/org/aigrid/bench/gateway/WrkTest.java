package org.aigrid.bench.gateway;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import org.junit.jupiter.api.Test;

class WrkTest {
  private static final String REPORT =
      """
      Running 1s test @ http://127.0.0.1:8080/
        2 threads and 16 connections
        Thread Stats   Avg      Stdev     Max   +/- Stdev
          Latency   200.00us   10.00us   1.00ms   90.00%
        12345 requests in 1.00s, 2.00MB read
      """;

  @Test
  void readsTheRate() {
    var result = Wrk.parse(REPORT + "Requests/sec:  12300.50\nTransfer/sec:      2.00MB\n");
    assertThat(result).isEqualTo(new Wrk.Result(12_345, 12_300.5, 0));
  }

  @Test
  void addsUpEverythingThatWentWrong() {
    var result =
        Wrk.parse(
            REPORT
                + "  Socket errors: connect 1, read 2, write 3, timeout 4\n"
                + "  Non-2xx or 3xx responses: 5\nRequests/sec:  12300.50\n");
    assertThat(result.errors()).isEqualTo(15);
  }

  @Test
  void refusesAReportThatItCannotRead() {
    assertThatThrownBy(() -> Wrk.parse("unable to connect"))
        .hasMessageContaining("unable to connect");
  }
}
