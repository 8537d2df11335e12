package org.aigrid.core.policy;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.List;
import java.util.stream.LongStream;
import org.aigrid.core.policy.RandomPolicies.Question;
import org.aigrid.core.policy.RandomPolicies.Rule;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;

/// The compiler against a naive reading of the same policies.
class PolicyPropertyTest {
  static LongStream seeds() {
    return LongStream.range(0, 400);
  }

  @ParameterizedTest(name = "seed {0}")
  @MethodSource("seeds")
  void decidesAsTheNaiveReadingDoes(long seed) {
    var draws = new RandomPolicies(seed);
    List<Rule> rules = draws.rules(8);
    PolicySet set = PolicySetTest.compiled(RandomPolicies.text(rules));
    PolicySet again = PolicySetTest.compiled(set.canonicalText());
    assertThat(again.canonicalText()).isEqualTo(set.canonicalText());
    for (int p = 0; p < 6; p++) {
      Principal principal = draws.principal();
      BoundPolicies bound = set.bind(principal);
      BoundPolicies boundAgain = again.bind(principal);
      for (int i = 0; i < 20; i++) {
        PolicyAction action = draws.action();
        SiteFacts site = draws.site(i % 2 * 6);
        RequestFacts request = draws.request();
        PolicyVerdict expected =
            RandomPolicies.decide(rules, new Question(principal, action, site, request));
        assertThat(bound.decide(action, site, request))
            .as("%s %s %s %s of%n%s", principal, action, site, request, set.canonicalText())
            .isEqualTo(expected);
        assertThat(boundAgain.decide(action, site, request)).isEqualTo(expected);
        PolicyExplanation why = bound.explain(action, site, request);
        assertThat(why.verdict()).isEqualTo(expected);
        assertThat(why.decisive().isEmpty()).isEqualTo(expected == PolicyVerdict.NOT_PERMITTED);
      }
    }
  }

  @ParameterizedTest(name = "seed {0}")
  @MethodSource("seeds")
  void oneMoreForbidPermitsNothingMore(long seed) {
    var draws = new RandomPolicies(seed);
    List<Rule> rules = draws.rules(6);
    List<Rule> more = draws.rules(6).stream().filter(Rule::forbids).toList();
    Principal principal = draws.principal();
    BoundPolicies fewer = PolicySetTest.compiled(RandomPolicies.text(rules)).bind(principal);
    BoundPolicies stricter =
        PolicySetTest.compiled(RandomPolicies.text(rules) + RandomPolicies.text(more))
            .bind(principal);
    for (int i = 0; i < 50; i++) {
      PolicyAction action = draws.action();
      SiteFacts site = draws.site(5);
      RequestFacts request = draws.request();
      if (stricter.decide(action, site, request).permitted()) {
        assertThat(fewer.decide(action, site, request).permitted()).isTrue();
      }
    }
  }
}
