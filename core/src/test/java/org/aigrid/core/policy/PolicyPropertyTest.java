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
        var question =
            new Question(principal, draws.action(), draws.site(i % 2 * 6), draws.request());
        PolicyVerdict expected = RandomPolicies.decide(rules, question);
        PolicyVerdict decided = decide(bound, question);
        assertThat(decided).as("%s of%n%s", question, set.canonicalText()).isEqualTo(expected);
        assertThat(decide(boundAgain, question)).isEqualTo(expected);
        PolicyExplanation why =
            bound.explain(question.action(), question.site(), question.request());
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
      var question = new Question(principal, draws.action(), draws.site(5), draws.request());
      if (decide(stricter, question).permitted()) {
        assertThat(decide(fewer, question).permitted()).isTrue();
      }
    }
  }

  private static PolicyVerdict decide(BoundPolicies bound, Question question) {
    return bound.decide(
        java.util.Objects.requireNonNull(question.action()),
        java.util.Objects.requireNonNull(question.site()),
        java.util.Objects.requireNonNull(question.request()));
  }
}
