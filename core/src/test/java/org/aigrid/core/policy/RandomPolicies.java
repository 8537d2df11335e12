package org.aigrid.core.policy;

import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.SplittableRandom;
import java.util.function.Function;
import java.util.stream.Stream;
import org.aigrid.core.model.LocationLevel;
import org.aigrid.core.model.ServiceTier;
import org.aigrid.core.model.Tier;
import org.jspecify.annotations.Nullable;

/// Policies, principals, sites and requests drawn from a seed, and a second, deliberately naive
/// reading of them: conditions are Java functions that throw where something is missing, and
/// nothing is shared with the compiler but the records that it is asked about.
public final class RandomPolicies {
  private static final List<String> JURISDICTIONS = List.of("JP", "DE", "US", "BR");
  private static final List<String> TENANTS = List.of("a", "b");
  private static final List<String> TAGS = List.of("x", "y", "z");
  private static final List<String> OPERATORS = List.of("telco", "partner");
  private static final List<String> MODELS = List.of("small", "large");
  private static final List<String> SITE_IDS = List.of("cell-1", "cell-2", "hub-1");

  private final SplittableRandom random;

  public RandomPolicies(long seed) {
    random = new SplittableRandom(seed);
  }

  /// Something asked for is missing.
  static final class Missing extends RuntimeException {
    private static final long serialVersionUID = 1L;
  }

  /// Something other than the principal was asked for while only that is known.
  static final class NotKnown extends RuntimeException {
    private static final long serialVersionUID = 1L;
  }

  /// What is decided about; action, site and request are null while only the principal is known.
  public record Question(
      Principal principal,
      @Nullable PolicyAction action,
      @Nullable SiteFacts site,
      @Nullable RequestFacts request) {
    private PolicyAction theAction() {
      if (action == null) {
        throw new NotKnown();
      }
      return action;
    }

    private SiteFacts theSite() {
      if (site == null) {
        throw new NotKnown();
      }
      return site;
    }

    private RequestFacts theRequest() {
      if (request == null) {
        throw new NotKnown();
      }
      return request;
    }
  }

  /// A condition as text and as a function; and where it is parts joined by `&&`, those.
  record Term(
      String text, Function<Question, Boolean> holds, List<Function<Question, Boolean>> joined) {
    Term(String text, Function<Question, Boolean> holds) {
      this(text, holds, List.of(holds));
    }
  }

  /// A policy as text and as functions that all have to hold.
  public record Rule(String text, boolean forbids, List<Function<Question, Boolean>> holds) {
    private boolean applies(Question question) {
      for (Function<Question, Boolean> part : holds) {
        if (!part.apply(question)) {
          return false;
        }
      }
      return true;
    }

    private boolean rulesOut(Principal principal) {
      var alone = new Question(principal, null, null, null);
      return holds.stream()
          .anyMatch(
              part -> {
                try {
                  return !part.apply(alone);
                } catch (Missing | NotKnown _) {
                  return false;
                }
              });
    }
  }

  /// The naive decision.
  public static PolicyVerdict decide(List<Rule> rules, Question question) {
    boolean permitted = false;
    boolean forbidden = false;
    boolean erred = false;
    boolean anyPermit = false;
    for (Rule rule : rules) {
      anyPermit |= !rule.forbids() && !rule.rulesOut(question.principal());
      try {
        if (rule.applies(question)) {
          permitted |= !rule.forbids();
          forbidden |= rule.forbids();
        }
      } catch (Missing _) {
        erred |= rule.forbids();
      }
    }
    if (!anyPermit) {
      String home = question.principal().home();
      permitted = home != null && home.equals(question.theSite().jurisdiction());
    }
    if (forbidden) {
      return PolicyVerdict.FORBIDDEN;
    }
    if (erred) {
      return PolicyVerdict.FORBID_ERRED;
    }
    return permitted ? PolicyVerdict.PERMITTED : PolicyVerdict.NOT_PERMITTED;
  }

  public static String text(List<Rule> rules) {
    var text = new StringBuilder();
    rules.forEach(rule -> text.append(rule.text()));
    return text.toString();
  }

  public List<Rule> rules(int most) {
    var rules = new ArrayList<Rule>();
    int count = random.nextInt(most + 1);
    for (int i = 0; i < count; i++) {
      rules.add(rule());
    }
    return rules;
  }

  private Rule rule() {
    boolean forbids = random.nextInt(3) == 0;
    var holds = new ArrayList<Function<Question, Boolean>>();
    var text = new StringBuilder(forbids ? "forbid" : "permit").append(space()).append('(');
    text.append(scope("principal", chance(3) ? ofPrincipal() : null, holds)).append(',');
    text.append(space()).append(scope("action", chance(3) ? ofAction() : null, holds)).append(',');
    text.append(space()).append(scope("resource", chance(2) ? ofResource() : null, holds));
    text.append(')').append(space());
    int clauses = random.nextInt(3);
    for (int i = 0; i < clauses; i++) {
      boolean when = random.nextInt(4) > 0;
      int joined = when ? 1 + random.nextInt(3) : 1;
      text.append(when ? "when" : "unless").append(space()).append('{').append(space());
      for (int j = 0; j < joined; j++) {
        Term term = term(3);
        text.append(j == 0 ? "" : space() + "&&" + space());
        text.append(joined > 1 ? "(" + term.text() + ")" : term.text());
        if (when) {
          holds.addAll(term.joined());
        } else {
          holds.add(question -> !term.holds().apply(question));
        }
      }
      text.append(space()).append('}').append(space());
    }
    return new Rule(text.append(';').append(space()).toString(), forbids, holds);
  }

  private static String scope(
      String word, @Nullable Term term, List<Function<Question, Boolean>> holds) {
    if (term == null) {
      return word;
    }
    holds.add(term.holds());
    return term.text();
  }

  private Term term(int depth) {
    if (depth == 0 || chance(3)) {
      return atom();
    }
    Term one = term(depth - 1);
    Term two = term(depth - 1);
    return switch (random.nextInt(5)) {
      case 0 -> new Term("!(" + one.text() + ")", q -> !one.holds().apply(q));
      case 1 ->
          new Term(
              "(" + one.text() + ")" + space() + "&&" + space() + "(" + two.text() + ")",
              q -> one.holds().apply(q) && two.holds().apply(q),
              Stream.concat(one.joined().stream(), two.joined().stream()).toList());
      case 2 ->
          new Term(
              "((" + one.text() + ") ||" + space() + "(" + two.text() + "))",
              q -> one.holds().apply(q) || two.holds().apply(q));
      case 3 -> {
        Term three = term(depth - 1);
        yield new Term(
            "(if " + one.text() + " then " + two.text() + " else " + three.text() + ")",
            q -> one.holds().apply(q) ? two.holds().apply(q) : three.holds().apply(q));
      }
      default ->
          new Term(
              "(" + one.text() + ") == (" + two.text() + ")",
              q -> one.holds().apply(q).equals(two.holds().apply(q)));
    };
  }

  private Term atom() {
    return switch (random.nextInt(9)) {
      case 0 -> ofPrincipal();
      case 1 -> ofAction();
      case 2, 3 -> ofResource();
      case 4, 5 -> attributeOfPrincipal();
      case 6, 7 -> attributeOfResource();
      default -> attributeOfContext();
    };
  }

  private Term ofPrincipal() {
    String tenant = pick(TENANTS);
    return switch (random.nextInt(3)) {
      case 0 ->
          new Term(
              "principal == Tenant::\"" + tenant + "\"", q -> q.principal().id().equals(tenant));
      case 1 ->
          new Term(
              "principal in Tenant::\"" + tenant + "\"",
              q -> q.principal().tenant().equals(tenant));
      default ->
          new Term(
              "principal in [Project::\"" + tenant + "/p\"]",
              q -> q.principal().id().equals(tenant + "/p"));
    };
  }

  private Term ofAction() {
    PolicyAction one = pick(Arrays.asList(PolicyAction.values()));
    PolicyAction two = pick(Arrays.asList(PolicyAction.values()));
    return chance(2)
        ? new Term("action == Action::\"" + one.word() + "\"", q -> q.theAction() == one)
        : new Term(
            "action in [Action::\"" + one.word() + "\", Action::\"" + two.word() + "\"]",
            q -> q.theAction() == one || q.theAction() == two);
  }

  private Term ofResource() {
    String jurisdiction = pick(JURISDICTIONS);
    String other = pick(JURISDICTIONS);
    String operator = pick(OPERATORS);
    String site = pick(SITE_IDS);
    return switch (random.nextInt(4)) {
      case 0 ->
          new Term(
              "resource in Jurisdiction::\"" + jurisdiction + "\"",
              q -> there(q.theSite().jurisdiction()).equals(jurisdiction));
      case 1 ->
          new Term(
              "resource in [Jurisdiction::\""
                  + jurisdiction
                  + "\", Jurisdiction::\""
                  + other
                  + "\"]",
              q ->
                  there(q.theSite().jurisdiction()).equals(jurisdiction)
                      || there(q.theSite().jurisdiction()).equals(other));
      case 2 ->
          new Term(
              "resource in Operator::\"" + operator + "\"",
              q -> there(q.theSite().operator()).equals(operator));
      default ->
          new Term("resource == Site::\"" + site + "\"", q -> there(q.theSite().id()).equals(site));
    };
  }

  private Term attributeOfPrincipal() {
    String tag = pick(TAGS);
    String other = pick(TAGS);
    String home = pick(JURISDICTIONS);
    ServiceTier tier = pick(Arrays.asList(ServiceTier.values()));
    return switch (random.nextInt(7)) {
      case 0 ->
          new Term(
              "principal.tags.contains(\"" + tag + "\")", q -> q.principal().tags().contains(tag));
      case 1 ->
          new Term(
              "principal.tags.containsAny([\"" + tag + "\", \"" + other + "\"])",
              q -> q.principal().tags().contains(tag) || q.principal().tags().contains(other));
      case 2 ->
          new Term(
              "[\"" + tag + "\", \"" + other + "\"].containsAll(principal.tags)",
              q -> List.of(tag, other).containsAll(q.principal().tags()));
      case 3 ->
          new Term(
              "principal.home != \"" + home + "\"", q -> !there(q.principal().home()).equals(home));
      case 4 ->
          new Term(
              "principal has project && principal.project == \"p\"",
              q -> "p".equals(q.principal().project()));
      case 5 ->
          new Term(
              "principal.tier == \"" + tier.name().toLowerCase(java.util.Locale.ROOT) + "\"",
              q -> q.principal().tier() == tier);
      default -> new Term("principal.tags.isEmpty()", q -> q.principal().tags().isEmpty());
    };
  }

  private Term attributeOfResource() {
    String jurisdiction = pick(JURISDICTIONS);
    int level = random.nextInt(5);
    Tier tier = pick(Arrays.asList(Tier.values()));
    return switch (random.nextInt(8)) {
      case 0 ->
          new Term(
              "[\"" + jurisdiction + "\", principal.home].contains(resource.jurisdiction)",
              q -> {
                List<String> both = List.of(jurisdiction, there(q.principal().home()));
                return both.contains(there(q.theSite().jurisdiction()));
              });
      case 1 -> new Term("resource.level >= " + level, q -> level(q) >= level);
      case 2 -> new Term(level + " > resource.level", q -> level > level(q));
      case 3 -> new Term("[1, 3].contains(resource.level)", q -> level(q) == 1 || level(q) == 3);
      case 4 ->
          new Term(
              "resource.tier == \"" + tier.name().toLowerCase(java.util.Locale.ROOT) + "\"",
              q -> there(q.theSite().tier()) == tier);
      case 5 -> new Term("resource.id like \"*l-*\"", q -> there(q.theSite().id()).contains("l-"));
      case 6 ->
          new Term(
              "resource.operator like \"t*o\"", q -> there(q.theSite().operator()).matches("t.*o"));
      default ->
          new Term(
              "resource.jurisdiction == principal.home",
              q -> there(q.theSite().jurisdiction()).equals(there(q.principal().home())));
    };
  }

  private static int level(Question question) {
    return there(question.theSite().level()).ordinal() + 1;
  }

  private Term attributeOfContext() {
    String model = pick(MODELS);
    String jurisdiction = pick(JURISDICTIONS);
    ServiceTier tier = pick(Arrays.asList(ServiceTier.values()));
    return switch (random.nextInt(3)) {
      case 0 ->
          new Term(
              "context.model == \"" + model + "\"",
              q -> there(q.theRequest().model()).equals(model));
      case 1 ->
          new Term(
              "context.tier != \"" + tier.name().toLowerCase(java.util.Locale.ROOT) + "\"",
              q -> q.theRequest().tier() != tier);
      default ->
          new Term(
              "context has jurisdictions && context.jurisdictions.contains(\""
                  + jurisdiction
                  + "\")",
              q -> {
                List<String> named = q.theRequest().jurisdictions();
                return named != null && named.contains(jurisdiction);
              });
    };
  }

  private static <T> T there(@Nullable T value) {
    if (value == null) {
      throw new Missing();
    }
    return value;
  }

  public Principal principal() {
    return new Principal(
        pick(TENANTS),
        chance(2) ? "p" : null,
        chance(8) ? null : pick(JURISDICTIONS),
        pick(Arrays.asList(ServiceTier.values())),
        TAGS.stream().filter(_ -> chance(2)).toList());
  }

  /// A site; `missingOneIn` says how often each fact is missing, 0 for never.
  public SiteFacts site(int missingOneIn) {
    return new SiteFacts(
        missing(missingOneIn) ? null : pick(SITE_IDS),
        missing(missingOneIn) ? null : pick(JURISDICTIONS),
        missing(missingOneIn) ? null : pick(OPERATORS),
        missing(missingOneIn) ? null : pick(Arrays.asList(Tier.values())),
        missing(missingOneIn) ? null : pick(Arrays.asList(LocationLevel.values())));
  }

  public RequestFacts request() {
    return new RequestFacts(
        pick(Arrays.asList(ServiceTier.values())),
        chance(8) ? null : pick(MODELS),
        chance(2) ? null : JURISDICTIONS.stream().filter(_ -> chance(2)).toList());
  }

  public PolicyAction action() {
    return pick(Arrays.asList(PolicyAction.values()));
  }

  private boolean missing(int oneIn) {
    return oneIn > 0 && chance(oneIn);
  }

  /// Layout that must not matter.
  private String space() {
    return switch (random.nextInt(6)) {
      case 0 -> "\n";
      case 1 -> "  \t";
      case 2 -> " // a comment; with \"signs\" {\n";
      default -> " ";
    };
  }

  private boolean chance(int oneIn) {
    return random.nextInt(oneIn) == 0;
  }

  private <T> T pick(List<T> among) {
    return among.get(random.nextInt(among.size()));
  }
}
