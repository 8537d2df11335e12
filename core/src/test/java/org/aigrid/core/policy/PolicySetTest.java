package org.aigrid.core.policy;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.List;
import org.aigrid.core.model.LocationLevel;
import org.aigrid.core.model.ServiceTier;
import org.aigrid.core.model.Tier;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

/// What the language means, and how it refuses what it does not.
class PolicySetTest {
  private static final SiteFacts TOKYO =
      new SiteFacts("cell-minato", "JP", "telco", Tier.CELL, LocationLevel.L2);
  private static final SiteFacts OHIO =
      new SiteFacts("hub-ohio", "US", "partner", Tier.HUB, LocationLevel.L1);
  private static final RequestFacts REQUEST = RequestFacts.of("llama");
  private static final Principal MESSENGER =
      new Principal("messenger", "chat", "JP", ServiceTier.INTERACTIVE, List.of("large"));

  static PolicySet compiled(String text) {
    return switch (PolicySet.compile(text)) {
      case Compilation.Accepted(PolicySet set, _) -> set;
      case Compilation.Refused(List<PolicyNote> mistakes) ->
          throw new AssertionError(text + "\n" + mistakes);
    };
  }

  private static List<PolicyNote> mistakes(String text) {
    return switch (PolicySet.compile(text)) {
      case Compilation.Accepted _ -> List.of();
      case Compilation.Refused(List<PolicyNote> mistakes) -> mistakes;
    };
  }

  private static List<PolicyNote> remarks(String text) {
    return switch (PolicySet.compile(text)) {
      case Compilation.Accepted(_, List<PolicyNote> remarks) -> remarks;
      case Compilation.Refused(List<PolicyNote> mistakes) -> throw new AssertionError(mistakes);
    };
  }

  private static PolicyVerdict infer(String text, SiteFacts site) {
    return compiled(text).bind(MESSENGER).decide(PolicyAction.INFER, site, REQUEST);
  }

  @Test
  void whatNoPermitSpeaksOfIsNotPermitted() {
    String text =
        "permit (principal in Tenant::\"messenger\", action, resource in Jurisdiction::\"JP\");";
    assertThat(infer(text, TOKYO)).isEqualTo(PolicyVerdict.PERMITTED);
    assertThat(infer(text, OHIO)).isEqualTo(PolicyVerdict.NOT_PERMITTED);
  }

  @Test
  void aForbidOverridesEveryPermitWhereverItStands() {
    String permit = "permit (principal, action, resource);";
    String forbid =
        "forbid (principal, action, resource) when { resource.operator == \"partner\" };";
    for (String text : List.of(permit + forbid, forbid + permit)) {
      assertThat(infer(text, TOKYO)).isEqualTo(PolicyVerdict.PERMITTED);
      assertThat(infer(text, OHIO)).isEqualTo(PolicyVerdict.FORBIDDEN);
    }
  }

  @Test
  void aTenantWithoutAPermitStaysAtHome() {
    assertThat(infer("", TOKYO)).isEqualTo(PolicyVerdict.PERMITTED);
    assertThat(infer("", OHIO)).isEqualTo(PolicyVerdict.NOT_PERMITTED);
    String ofOthers = "permit (principal in Tenant::\"other\", action, resource);";
    assertThat(infer(ofOthers, TOKYO)).isEqualTo(PolicyVerdict.PERMITTED);
    assertThat(infer(ofOthers, OHIO)).isEqualTo(PolicyVerdict.NOT_PERMITTED);
    String forTagged =
        "permit (principal, action, resource) when { resource.level >= 1 &&"
            + " principal.tags.contains(\"export\") };";
    assertThat(infer(forTagged, TOKYO)).isEqualTo(PolicyVerdict.PERMITTED);
    String cellsOnly = "forbid (principal, action, resource) when { resource.tier == \"cell\" };";
    assertThat(infer(cellsOnly, TOKYO)).isEqualTo(PolicyVerdict.FORBIDDEN);
    String batchOnly =
        "permit (principal, action == Action::\"batch\", resource in Jurisdiction::\"US\");";
    assertThat(infer(batchOnly, TOKYO)).isEqualTo(PolicyVerdict.NOT_PERMITTED);
  }

  @Test
  void aHomelessTenantWithoutAPermitRunsNowhere() {
    BoundPolicies bound = PolicySet.EMPTY.bind(Principal.tenant("stray", null));
    assertThat(bound.decide(PolicyAction.INFER, TOKYO, REQUEST))
        .isEqualTo(PolicyVerdict.NOT_PERMITTED);
  }

  @Test
  void aForbidThatCannotBeEvaluatedForbids() {
    String text =
        "permit (principal, action, resource);"
            + "forbid (principal, action, resource) when { context.model == \"secret\" };";
    BoundPolicies bound = compiled(text).bind(MESSENGER);
    var noModel = new RequestFacts(ServiceTier.STANDARD, null, null);
    assertThat(bound.decide(PolicyAction.LOG, TOKYO, noModel))
        .isEqualTo(PolicyVerdict.FORBID_ERRED);
    assertThat(bound.decide(PolicyAction.LOG, TOKYO, REQUEST)).isEqualTo(PolicyVerdict.PERMITTED);
    PolicyExplanation why = bound.explain(PolicyAction.LOG, TOKYO, noModel);
    assertThat(why.decisive()).extracting(Policy::id).containsExactly("policy2");
    assertThat(why.erring()).extracting(Policy::id).containsExactly("policy2");
  }

  @Test
  void aPermitThatCannotBeEvaluatedDoesNotPermit() {
    String text = "permit (principal, action, resource) when { context.model == \"open\" };";
    BoundPolicies bound = compiled(text).bind(MESSENGER);
    var noModel = new RequestFacts(ServiceTier.STANDARD, null, null);
    assertThat(bound.decide(PolicyAction.LOG, TOKYO, noModel))
        .isEqualTo(PolicyVerdict.NOT_PERMITTED);
    assertThat(bound.explain(PolicyAction.LOG, TOKYO, noModel).erring()).hasSize(1);
  }

  @ParameterizedTest
  @ValueSource(
      strings = {
        "principal == Project::\"messenger/chat\"",
        "principal in [Tenant::\"x\", Tenant::\"messenger\"]",
        "principal != Tenant::\"messenger\"",
        "principal has project && principal.project == \"chat\"",
        "principal.id == \"messenger/chat\" && principal.tenant == \"messenger\"",
        "principal.tags.contains(\"large\") && !principal.tags.isEmpty()",
        "principal.tags.containsAny([\"small\", \"large\"])",
        "[\"small\", \"large\"].containsAll(principal.tags)",
        "principal.home == resource.jurisdiction",
        "principal.tier == \"interactive\"",
        "action == Action::\"infer\" && action in [Action::\"infer\", Action::\"batch\"]",
        "Action::\"infer\" == action",
        "resource == Site::\"cell-minato\" || resource == Site::\"x\"",
        "resource in [Jurisdiction::\"DE\", Operator::\"telco\"]",
        "resource.id like \"cell-*\" && resource.id like \"*mina*\" && resource.id like \"*\"",
        "!(resource.id like \"cell-\\*\")",
        "resource.tier == \"cell\" && resource.level >= 2 && resource.level < 3",
        "[1, 2].contains(resource.level) && -1 < resource.level",
        "[\"JP\", principal.home].contains(resource.jurisdiction)",
        "if resource.level > 2 then false else resource.operator != \"partner\"",
        "context.tier == \"standard\" && context.model like \"ll?ma\" == false",
        "!(context has jurisdictions)",
        "(context has jurisdictions && context.jurisdictions.contains(\"JP\")) || true",
        "resource has level",
        "\"\\u{4A}P\" == resource.jurisdiction"
      })
  void conditionsMeanWhatTheySay(String condition) {
    String text = "permit (principal, action, resource) when { " + condition + " };";
    if (condition.contains("like \"ll?ma\" ==")) {
      assertThat(mistakes(text)).hasSize(1); // one comparison behind another
      return;
    }
    assertThat(infer(text, TOKYO)).isEqualTo(PolicyVerdict.PERMITTED);
    String not =
        "permit (principal, action, resource); forbid (principal, action, resource) when { ";
    assertThat(infer(not + condition + " };", TOKYO)).isEqualTo(PolicyVerdict.FORBIDDEN);
  }

  @ParameterizedTest(name = "{0}")
  @CsvSource(
      delimiter = '¦',
      quoteCharacter = '`',
      value = {
        "permti (principal, action, resource); ¦ 1:1 ¦ did you mean 'permit'?",
        "permit (principal, action); ¦ 1:26 ¦ (expected: ',' between 'action' and 'resource')",
        "permit (principal, action, resource) ¦ 1:37 ¦ ';' at the end",
        "permit (principal = Tenant::\"x\", action, resource); ¦ 1:19 ¦ '==' to compare",
        "permit (principal in Tennant::\"x\", action, resource); ¦ 1:22 ¦ did you mean 'Tenant'?",
        "permit (principal, action == Action::\"infre\", resource); ¦ 1:30 ¦ did you mean 'infer'?",
        "permit (principal, action, resource in Jurisdiction::\"jp\"); ¦ 1:40 ¦ did you mean 'JP'?",
        "permit (principal, action, resource == Jurisdiction::\"JP\"); ¦ 1:37 ¦ 'resource in Jurisdiction::...'",
        "permit (principal in Project::\"chat\", action, resource); ¦ 1:22 ¦ tenant, '/' and project",
        "permit (principal, action, resource) when { resource.tier == \"hubb\" }; ¦ 1:62 ¦ did you mean 'hub'?",
        "permit (principal, action, resource) when { context.tier == \"realtme\" }; ¦ 1:61 ¦ did you mean 'realtime'?",
        "permit (principal, action, resource) when { resource.jurisdicton == \"JP\" }; ¦ 1:54 ¦ did you mean 'jurisdiction'?",
        "permit (principal, action, resource) when { resource.level >= \"L2\" }; ¦ 1:60 ¦ numbers on both sides",
        "permit (principal, action, resource) when { resource.level == \"2\" }; ¦ 1:60 ¦ two values of one kind",
        "permit (principal, action, resource) when { resource.tier == context.tier }; ¦ 1:59 ¦ which it never is",
        "permit (principal, action, resource) when { principal.project == \"a\" }; ¦ 1:55 ¦ 'principal has project && ...'",
        "permit (principal, action, resource) when { principal has project || principal.project == \"a\" }; ¦ 1:80 ¦ not always there",
        "permit (principal, action, resource) when { resource }; ¦ 1:45 ¦ expected: a condition",
        "permit (principal, action, resource) when { \"JP\" in resource.jurisdiction }; ¦ 1:50 ¦ principal, action or resource",
        "permit (principal, action, resource) when { resource.jurisdiction in [\"JP\"] }; ¦ 1:67 ¦ set.contains(value)",
        "permit (principal, action, resource) when { [].contains(resource.id) }; ¦ 1:45 ¦ an empty set",
        "permit (principal, action, resource) when { [\"a\", 1].contains(resource.id) }; ¦ 1:51 ¦ one kind",
        "permit (principal, action, resource) when { [\"hub\"].containz(resource.tier) }; ¦ 1:53 ¦ did you mean 'contains'?",
        "permit (principal, action, resource) when { ip(\"10.0.0.1\") }; ¦ 1:45 ¦ no functions",
        "permit (principal, action, resource) when { resource.level + 1 == 2 }; ¦ 1:60 ¦ no arithmetic",
        "permit (principal, action, resource) when { resource.id == 'x' }; ¦ 1:60 ¦ double quotes",
        "permit (principal, action, resource) when { resource.id == \"x }; ¦ 1:60 ¦ does not end",
        "permit (principal, action, resource) when { resource.id == \"\\q\" }; ¦ 1:61 ¦ unknown escape",
        "permit (principal, action, resource) when { resource.level == 99999999999999999999 }; ¦ 1:63 ¦ 64 bits",
        "permit (principal is Project, action, resource); ¦ 1:19 ¦ 'is'",
        "permit (?principal, action, resource); ¦ 1:9 ¦ no templates",
        "@id(\"a\") @id(\"b\") permit (principal, action, resource); ¦ 1:11 ¦ twice",
        "permit (principal, action, resource) when { 資源 == \"JP\" }; ¦ 1:45 ¦ '資'",
      })
  void aMistakeIsToldWithItsPlaceAndWhatToDo(String text, String place, String part) {
    List<PolicyNote> found = mistakes(text);
    assertThat(found).hasSize(1);
    assertThat(found.getFirst().toString()).startsWith(place + ": ").contains(part);
  }

  @Test
  void everyBrokenPolicyOfATextIsToldAtOnceAndInOrder() {
    String text =
        """
        // the messenger's
        permit (principal, action, resource) when { resource.levle > 1 };
        permit (principal, action, resource);
        forbid (principal, acton, resource);
        permit (principal, action, resource) when { "日本" == resource.level };
        """;
    assertThat(mistakes(text))
        .extracting(note -> note.line() + ":" + note.column())
        .containsExactly("2:54", "4:20", "5:50");
  }

  @Test
  void twoPoliciesCannotHaveOneId() {
    assertThat(
            mistakes(
                    "@id(\"a\") permit (principal, action, resource);\n@id(\"a\") forbid (principal, action, resource);")
                .toString())
        .contains("2:10", "a second policy with the id \"a\", after line 1");
  }

  @Test
  void boundsAreCasesOfTheAnswer() {
    String all = "permit (principal, action, resource)";
    assertThat(mistakes(" ".repeat(PolicySet.TEXT_CHARS_MAX + 1)).toString())
        .contains("characters");
    assertThat(mistakes((all + ";").repeat(PolicySet.POLICIES_MAX + 1)).toString())
        .contains("one policy too many");
    assertThat(compiled((all + ";").repeat(PolicySet.POLICIES_MAX)).policies())
        .hasSize(PolicySet.POLICIES_MAX);
    for (String opening : List.of("(", "!", "if true then true else ", "[[")) {
      assertThat(mistakes(all + " when { " + opening.repeat(50_000 / opening.length())).toString())
          .contains("nested too deeply");
    }
    assertThat(mistakes(all + " when { true" + " && true".repeat(20_000) + "};")).isEmpty();
    String elements = "\"a\",".repeat(PolicySet.ELEMENTS_MAX);
    assertThat(mistakes(all + " when { [" + elements + "].contains(resource.id) };")).isEmpty();
    assertThat(
            mistakes(all + " when { [" + elements + "\"b\"].contains(resource.id) };").toString())
        .contains("a set of more than");
    assertThat(mistakes(all + " when { \"" + "x".repeat(513) + "\" == resource.id };").toString())
        .contains("a text of 513 characters");
    assertThat(mistakes(all + " when { true }".repeat(17) + ";").toString())
        .contains("one clause too many");
  }

  @Test
  void remarksPointAtWhatWasPerhapsNotMeant() {
    assertThat(remarks("permit (principal, action, resource);").toString())
        .contains("1:1: this permits every site in every jurisdiction");
    assertThat(
            remarks(
                    "forbid (principal == Tenant::\"a\", action, resource in Jurisdiction::\"UK\");")
                .toString())
        .contains("none of its projects", "did you mean 'GB'?");
    assertThat(
            remarks(
                "permit (principal in Tenant::\"a\", action, resource in Jurisdiction::\"GB\");"))
        .isEmpty();
  }

  @Test
  void theCanonicalTextForgetsLayoutAndKeepsMeaning() {
    String loose =
        "@reason(\"why\")   @id(\"a\")\n permit(principal,action,resource)//x\nwhen{(resource.level)>=(2)"
            + "&&(true||!(resource in[Jurisdiction::\"JP\",]))};";
    PolicySet set = compiled(loose);
    assertThat(set.canonicalText())
        .isEqualTo(
            """
            @id("a")
            @reason("why")
            permit (principal, action, resource)
            when { resource.level >= 2 && (true || !(resource in [Jurisdiction::"JP"])) };
            """);
    assertThat(compiled(set.canonicalText()).canonicalText()).isEqualTo(set.canonicalText());
    assertThat(PolicySet.EMPTY.canonicalText()).isEqualTo(compiled("// nothing").canonicalText());
  }

  @Test
  void aPatternMatchesAsPiecesInTheirOrder() {
    assertThat(Nodes.matches("abc", List.of("abc"))).isTrue();
    assertThat(Nodes.matches("ab", List.of("ab", "b"))).isFalse();
    assertThat(Nodes.matches("abcabd", List.of("a", "b", "d"))).isTrue();
    assertThat(Nodes.matches("aab", List.of("", "ab", ""))).isTrue();
    assertThat(Nodes.matches("", List.of("", "", ""))).isTrue();
    assertThat(Nodes.matches("abab", List.of("ab", "ab", "ab"))).isFalse();
  }
}
