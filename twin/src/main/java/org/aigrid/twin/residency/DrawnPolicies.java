package org.aigrid.twin.residency;

import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Locale;
import java.util.SplittableRandom;
import java.util.function.Predicate;
import org.aigrid.core.model.ServiceTier;
import org.aigrid.core.model.Tier;
import org.aigrid.core.policy.PolicyAction;
import org.aigrid.core.policy.Principal;
import org.aigrid.core.policy.SiteFacts;
import org.jspecify.annotations.Nullable;

/// Policies drawn from a seed twice over: as a text, which the grid compiles, and as Java
/// functions, by which an auditor judges. The two share nothing but the draw. Immutable.
///
/// @param text as a tenant would write it
/// @param rules the same
public record DrawnPolicies(String text, List<Rule> rules) {
  static final List<String> JURISDICTIONS = List.of("JP", "KR", "DE");
  static final List<String> OPERATORS = List.of("telco", "partner");
  static final List<String> MODELS = List.of("llama-3.1-8b", "llama-3.2-1b");
  static final List<String> TAGS = List.of("ministry", "startup");

  public DrawnPolicies {
    rules = List.copyOf(rules);
  }

  /// What is judged.
  ///
  /// @param narrowing jurisdictions to which the request bound itself, or null
  record Question(
      Principal principal,
      PolicyAction action,
      SiteFacts site,
      ServiceTier tier,
      String model,
      @Nullable List<String> narrowing) {}

  /// Something that a condition asks for is not known.
  static final class Unknown extends RuntimeException {
    private static final long serialVersionUID = 1L;

    Unknown() {
      super("a fact is missing", null, false, false);
    }
  }

  /// One permit or forbid.
  ///
  /// @param concerns of the principal alone; never unknown
  /// @param holds of all the rest, in order; the first that fails ends it
  record Rule(boolean forbids, Predicate<Principal> concerns, List<Predicate<Question>> holds) {
    private boolean applies(Question question) {
      if (!concerns.test(question.principal())) {
        return false;
      }
      for (Predicate<Question> part : holds) {
        if (!part.test(question)) {
          return false;
        }
      }
      return true;
    }
  }

  /// Forbid wins, a forbid that is not known forbids, what nobody permits is denied; a principal
  /// whom no permit concerns has its home.
  boolean permit(Question question) {
    boolean anyPermit = false;
    boolean permitted = false;
    boolean forbidden = false;
    for (Rule rule : rules) {
      anyPermit |= !rule.forbids() && rule.concerns().test(question.principal());
      try {
        boolean applies = rule.applies(question);
        permitted |= applies && !rule.forbids();
        forbidden |= applies && rule.forbids();
      } catch (Unknown _) {
        forbidden |= rule.forbids();
      }
    }
    String home = question.principal().home();
    boolean allowed =
        anyPermit ? permitted : home != null && home.equals(question.site().jurisdiction());
    return allowed && !forbidden;
  }

  /// No more than that many policies, often none.
  static DrawnPolicies draw(SplittableRandom random, List<String> siteIds, int most) {
    int count = random.nextInt(4) == 0 ? 0 : 1 + random.nextInt(most);
    var text = new StringBuilder();
    var rules = new ArrayList<Rule>();
    for (int i = 0; i < count; i++) {
      rules.add(rule(random, siteIds, text));
    }
    return new DrawnPolicies(text.toString(), rules);
  }

  private static Rule rule(SplittableRandom random, List<String> siteIds, StringBuilder text) {
    boolean forbids = random.nextInt(3) == 0;
    var holds = new ArrayList<Predicate<Question>>();
    text.append(forbids ? "forbid (" : "permit (");
    Predicate<Principal> concerns = principal(random, text);
    text.append(", ");
    action(random, text, holds);
    text.append(", ");
    resource(random, siteIds, text, holds);
    text.append(")");
    int clauses = random.nextInt(forbids ? 1 : 0, 3);
    for (int i = 0; i < clauses; i++) {
      boolean unless = random.nextInt(4) == 0;
      text.append(unless ? " unless { " : " when { ");
      Predicate<Question> one = condition(random, siteIds, text);
      if (random.nextInt(3) == 0) {
        text.append(" || ");
        one = one.or(condition(random, siteIds, text));
      }
      text.append(" }");
      holds.add(unless ? one.negate() : one);
    }
    text.append(";\n");
    return new Rule(forbids, concerns, holds);
  }

  private static Predicate<Principal> principal(SplittableRandom random, StringBuilder text) {
    String tenant = "tenant-" + random.nextInt(ResidencyPlay.TENANTS);
    switch (random.nextInt(8)) {
      case 0 -> {
        text.append("principal == Tenant::\"" + tenant + "\"");
        return principal -> principal.id().equals(tenant);
      }
      case 1 -> {
        text.append("principal in Tenant::\"" + tenant + "\"");
        return principal -> principal.tenant().equals(tenant);
      }
      default -> {
        text.append("principal");
        return _ -> true;
      }
    }
  }

  private static void action(
      SplittableRandom random, StringBuilder text, List<Predicate<Question>> holds) {
    switch (random.nextInt(6)) {
      case 0 -> {
        PolicyAction one = random.nextBoolean() ? PolicyAction.INFER : PolicyAction.PREWARM;
        text.append("action == Action::\"" + one.word() + "\"");
        holds.add(question -> question.action() == one);
      }
      case 1 -> {
        text.append("action in [Action::\"infer\", Action::\"prewarm\"]");
        holds.add(
            question ->
                question.action() == PolicyAction.INFER
                    || question.action() == PolicyAction.PREWARM);
      }
      default -> text.append("action");
    }
  }

  private static void resource(
      SplittableRandom random,
      List<String> siteIds,
      StringBuilder text,
      List<Predicate<Question>> holds) {
    switch (random.nextInt(5)) {
      case 0 -> {
        String id = pick(random, siteIds);
        text.append("resource == Site::\"" + id + "\"");
        holds.add(question -> id.equals(question.site().id()));
      }
      case 1 -> {
        String operator = pick(random, OPERATORS);
        text.append("resource in Operator::\"" + operator + "\"");
        holds.add(question -> operator.equals(question.site().operator()));
      }
      case 2 -> {
        String one = pick(random, JURISDICTIONS);
        String two = pick(random, JURISDICTIONS);
        text.append("resource in [Jurisdiction::\"" + one + "\", Jurisdiction::\"" + two + "\"]");
        holds.add(
            question ->
                one.equals(question.site().jurisdiction())
                    || two.equals(question.site().jurisdiction()));
      }
      default -> text.append("resource");
    }
  }

  private static Predicate<Question> condition(
      SplittableRandom random, List<String> siteIds, StringBuilder text) {
    String jurisdiction = pick(random, JURISDICTIONS);
    switch (random.nextInt(10)) {
      case 0, 1 -> {
        text.append("resource.jurisdiction == \"" + jurisdiction + "\"");
        return question -> jurisdiction.equals(question.site().jurisdiction());
      }
      case 2 -> {
        text.append("resource.jurisdiction == principal.home");
        return question -> {
          String home = question.principal().home();
          if (home == null) {
            throw new Unknown();
          }
          return home.equals(question.site().jurisdiction());
        };
      }
      case 3 -> {
        String operator = pick(random, OPERATORS);
        text.append("resource.operator != \"" + operator + "\"");
        return question -> !operator.equals(question.site().operator());
      }
      case 4 -> {
        Tier tier = pick(random, Arrays.asList(Tier.values()));
        text.append("resource.tier == \"" + word(tier) + "\"");
        return question -> question.site().tier() == tier;
      }
      case 5 -> {
        int least = 1 + random.nextInt(3);
        text.append("resource.level >= " + least);
        return question -> {
          var level = question.site().level();
          if (level == null) {
            throw new Unknown();
          }
          return level.number() >= least;
        };
      }
      case 6 -> {
        String id = pick(random, siteIds);
        String begin = id.substring(0, id.length() - 1);
        text.append("resource.id like \"" + begin + "*\"");
        return question -> {
          String other = question.site().id();
          if (other == null) {
            throw new Unknown();
          }
          return other.startsWith(begin);
        };
      }
      case 7 -> {
        ServiceTier tier = pick(random, Arrays.asList(ServiceTier.values()));
        text.append("context.tier != \"" + word(tier) + "\"");
        return question -> question.tier() != tier;
      }
      case 8 -> {
        String model = pick(random, MODELS);
        text.append("context.model == \"" + model + "\"");
        return question -> model.equals(question.model());
      }
      default -> {
        text.append(
            "(context has jurisdictions && context.jurisdictions.contains(\""
                + jurisdiction
                + "\"))");
        return question ->
            question.narrowing() != null && question.narrowing().contains(jurisdiction);
      }
    }
  }

  private static String word(Enum<?> value) {
    return value.name().toLowerCase(Locale.ROOT);
  }

  static <T> T pick(SplittableRandom random, List<T> among) {
    return among.get(random.nextInt(among.size()));
  }
}
