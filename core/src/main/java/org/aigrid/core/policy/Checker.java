package org.aigrid.core.policy;

import java.util.ArrayList;
import java.util.Arrays;
import java.util.HashSet;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Set;
import org.aigrid.core.model.LocationLevel;
import org.aigrid.core.policy.Expression.Comparison;
import org.aigrid.core.policy.Expression.Root;
import org.aigrid.core.policy.Nodes.Condition;
import org.aigrid.core.policy.Nodes.Value;
import org.aigrid.core.policy.Nodes.Values;
import org.jspecify.annotations.Nullable;

/// Checks the types of one policy against the schema and compiles its conditions. One thread.
///
/// The schema is fixed: what a principal, a site and a request are is the grid's to say. An
/// attribute that may be absent can be read only where a `has` left of it, joined by `&&`, made
/// sure of it, as in Cedar's validator; so a policy that is accepted errs only where the grid
/// itself does not know something that it ought to.
final class Checker {
  private static final Set<String> COUNTRIES =
      new HashSet<>(Arrays.asList(Locale.getISOCountries()));

  /// An attribute of one of the four.
  ///
  /// @param optional whether it may be absent without anything being wrong
  private record Attribute(Type type, boolean optional, Object node) {}

  private static final Type ANY_TEXT = new Type.Text(Domain.ANY);
  private static final Type JURISDICTION = new Type.Text(Domain.JURISDICTION);

  private static final Map<Root, Map<String, Attribute>> SCHEMA =
      Map.of(
          Root.PRINCIPAL,
          Map.of(
              "id", new Attribute(ANY_TEXT, false, Nodes.ofPrincipal(Principal::id)),
              "tenant", new Attribute(ANY_TEXT, false, Nodes.ofPrincipal(Principal::tenant)),
              "project", new Attribute(ANY_TEXT, true, Nodes.ofPrincipal(Principal::project)),
              "home", new Attribute(JURISDICTION, false, Nodes.ofPrincipal(Principal::home)),
              "tier",
                  new Attribute(
                      new Type.Text(Domain.SERVICE_TIER),
                      false,
                      Nodes.ofPrincipal(p -> Domain.word(p.tier()))),
              "tags", new Attribute(new Type.Group(ANY_TEXT), false, Nodes.tags())),
          Root.ACTION,
          Map.of(),
          Root.RESOURCE,
          Map.of(
              "id", new Attribute(ANY_TEXT, false, Nodes.ofSite(SiteFacts::id)),
              "jurisdiction",
                  new Attribute(JURISDICTION, false, Nodes.ofSite(SiteFacts::jurisdiction)),
              "operator", new Attribute(ANY_TEXT, false, Nodes.ofSite(SiteFacts::operator)),
              "tier",
                  new Attribute(
                      new Type.Text(Domain.SITE_TIER), false, Nodes.ofSite(Checker::tierWord)),
              "level", new Attribute(new Type.Whole(), false, Nodes.ofSite(Checker::levelNumber))),
          Root.CONTEXT,
          Map.of(
              "tier",
                  new Attribute(
                      new Type.Text(Domain.SERVICE_TIER),
                      false,
                      Nodes.ofRequest(r -> Domain.word(r.tier()))),
              "model", new Attribute(ANY_TEXT, false, Nodes.ofRequest(RequestFacts::model)),
              "jurisdictions",
                  new Attribute(new Type.Group(JURISDICTION), true, Nodes.narrowing())));

  private static final List<String> METHODS =
      List.of("contains", "containsAll", "containsAny", "isEmpty");

  /// An expression that is well typed.
  ///
  /// @param node a `Condition`, a `Value` or `Values`; for names, the expression itself
  /// @param proves attributes that are surely there when it is true
  private record Typed(Type type, Object node, Set<String> proves) {}

  private final List<Remark> remarks;
  private final Set<String> siteIds = new LinkedHashSet<>();
  private int siteIdReads; // other than by naming a site
  private boolean readsResource;
  private boolean readsContext;

  /// Something about a place that is no mistake.
  record Remark(int at, String sentence) {}

  Checker(List<Remark> remarks) {
    this.remarks = remarks;
  }

  /// Sites that the policy names one by one.
  Set<String> siteIds() {
    return siteIds;
  }

  /// Whether it asks for sites' ids other than by naming them, so that any two sites may differ.
  boolean readsSiteIds() {
    return siteIdReads > 0;
  }

  boolean readsContext() {
    return readsContext;
  }

  private static @Nullable Object tierWord(SiteFacts site) {
    return site.tier() == null ? null : Domain.word(site.tier());
  }

  private static @Nullable Object levelNumber(SiteFacts site) {
    LocationLevel level = site.level();
    return level == null ? null : (Object) level.number();
  }

  /// The conditions of a policy's head and clauses, in order; all have to hold. What a `when` joins
  /// by `&&` comes one by one, so that each can be asked alone whether it rules a principal out.
  List<Condition> check(Draft draft) {
    var conditions = new ArrayList<Condition>();
    for (Expression part : draft.scope()) {
      conditions.add(condition(part, Set.of()).node());
    }
    Set<String> proven = new HashSet<>();
    for (Clause clause : draft.clauses()) {
      if (!clause.when()) {
        conditions.add(Nodes.not(condition(clause.condition(), proven).node()));
        continue;
      }
      var joined = new ArrayList<Expression>();
      addJoined(clause.condition(), joined);
      for (Expression part : joined) {
        Checked checked = condition(part, proven);
        conditions.add(checked.node());
        proven.addAll(checked.proves());
      }
    }
    if (draft.effect() == Effect.PERMIT && !readsResource) {
      remarks.add(
          new Remark(
              draft.at(),
              "this permits every site in every jurisdiction; 'resource in Jurisdiction::\"...\"'"
                  + " in the head would bound it"));
    }
    return conditions;
  }

  private static void addJoined(Expression expression, List<Expression> joined) {
    if (expression instanceof Expression.All(List<Expression> operands, _)) {
      operands.forEach(operand -> addJoined(operand, joined));
    } else {
      joined.add(expression);
    }
  }

  private record Checked(Condition node, Set<String> proves) {}

  private Checked condition(Expression expression, Set<String> proven) {
    Typed typed = typed(expression, proven);
    if (!(typed.node() instanceof Condition node)) {
      throw new Mistake(
          expression.at(), typed.type().shown() + " (expected: a condition, true or false)");
    }
    return new Checked(node, typed.proves());
  }

  private Typed typed(Expression expression, Set<String> proven) {
    return switch (expression) {
      case Expression.Truth(boolean value, _) -> {
        int constant = Nodes.of(value);
        yield bool((_, _, _, _) -> constant);
      }
      case Expression.Whole(long value, _) -> {
        Long boxed = value;
        yield new Typed(new Type.Whole(), (Value) (_, _, _, _) -> boxed, Set.of());
      }
      case Expression.Text(String value, _) ->
          new Typed(ANY_TEXT, (Value) (_, _, _, _) -> value, Set.of());
      case Expression.Variable variable -> {
        if (variable.root() == Root.RESOURCE) {
          readsResource = true;
        }
        yield new Typed(new Type.Subject(variable.root()), variable, Set.of());
      }
      case Expression.Entity entity -> {
        checkName(entity);
        yield new Typed(new Type.Named(entity.kind()), entity, Set.of());
      }
      case Expression.Elements elements -> elements(elements, proven);
      case Expression.Attribute attribute -> attribute(attribute, proven);
      case Expression.Has has -> has(has, proven);
      case Expression.Compare compare -> compare(compare, proven);
      case Expression.In in -> in(in, proven);
      case Expression.Like like -> like(like, proven);
      case Expression.Call call -> call(call, proven);
      case Expression.Not(Expression of, _) -> bool(Nodes.not(condition(of, proven).node()));
      case Expression.All(List<Expression> operands, _) -> {
        var nodes = new ArrayList<Condition>();
        var proves = new HashSet<>(proven);
        for (Expression operand : operands) {
          Checked checked = condition(operand, proves);
          nodes.add(checked.node());
          proves.addAll(checked.proves());
        }
        yield new Typed(new Type.Bool(), Nodes.all(nodes), proves);
      }
      case Expression.Any(List<Expression> operands, _) -> {
        var nodes = new ArrayList<Condition>();
        Set<String> proves = null;
        for (Expression operand : operands) {
          Checked checked = condition(operand, proven);
          nodes.add(checked.node());
          if (proves == null) {
            proves = new HashSet<>(checked.proves());
          } else {
            proves.retainAll(checked.proves());
          }
        }
        yield new Typed(new Type.Bool(), Nodes.any(nodes), proves == null ? Set.of() : proves);
      }
      case Expression.Choice(Expression test, Expression then, Expression otherwise, _) -> {
        Checked checked = condition(test, proven);
        var inThen = new HashSet<>(proven);
        inThen.addAll(checked.proves());
        yield bool(
            Nodes.choice(
                checked.node(),
                condition(then, inThen).node(),
                condition(otherwise, proven).node()));
      }
    };
  }

  private static Typed bool(Condition node) {
    return new Typed(new Type.Bool(), node, Set.of());
  }

  // --- attributes

  private Typed attribute(Expression.Attribute read, Set<String> proven) {
    Root root = rootOf(read.of(), read.name(), read.at(), proven);
    Attribute attribute = known(root, read.name(), read.at());
    String path = root.word + "." + read.name();
    if (attribute.optional() && !proven.contains(path)) {
      throw new Mistake(
          read.at(),
          path
              + " is not always there (expected: '"
              + root.word
              + " has "
              + read.name()
              + " && ...' left of it)");
    }
    noteReading(root, read.name());
    return new Typed(attribute.type(), attribute.node(), Set.of());
  }

  private Typed has(Expression.Has has, Set<String> proven) {
    Root root = rootOf(has.of(), has.name(), has.at(), proven);
    Attribute attribute = known(root, has.name(), has.at());
    noteReading(root, has.name());
    Condition node =
        attribute.node() instanceof Value value
            ? Nodes.has(value)
            : (principal, action, site, request) -> {
              int count = ((Values) attribute.node()).count(principal, action, site, request);
              return count == -Nodes.UNKNOWN ? Nodes.UNKNOWN : Nodes.of(count >= 0);
            };
    return new Typed(new Type.Bool(), node, Set.of(root.word + "." + has.name()));
  }

  private void noteReading(Root root, String name) {
    readsResource |= root == Root.RESOURCE;
    readsContext |= root == Root.CONTEXT;
    siteIdReads += root == Root.RESOURCE && name.equals("id") ? 1 : 0;
  }

  private Root rootOf(Expression of, String name, int at, Set<String> proven) {
    if (of instanceof Expression.Variable(Root root, _)) {
      return root;
    }
    throw new Mistake(
        at,
        "the attribute '"
            + Texts.shortened(name)
            + "' of "
            + typed(of, proven).type().shown()
            + " (expected: only principal, resource and context have attributes)");
  }

  private static Attribute known(Root root, String name, int at) {
    Map<String, Attribute> attributes = SCHEMA.getOrDefault(root, Map.of());
    Attribute found = attributes.get(name);
    if (found != null) {
      return found;
    }
    if (root == Root.ACTION) {
      throw new Mistake(
          at, "an attribute of 'action' (expected: 'action == Action::\"infer\"'; it has none)");
    }
    List<String> names = attributes.keySet().stream().sorted().toList();
    throw new Mistake(
        at,
        "'"
            + root.word
            + "' has no attribute '"
            + Texts.shortened(name)
            + "' (expected: one of "
            + String.join(", ", names)
            + ")"
            + Texts.didYouMean(name, names));
  }

  // --- names

  private void checkName(Expression.Entity entity) {
    String id = entity.id();
    switch (entity.kind()) {
      case ACTION -> action(entity);
      case JURISDICTION -> checkText(Domain.JURISDICTION, id, entity.at());
      case PROJECT -> {
        int slash = id.indexOf('/');
        if (slash < 1 || slash == id.length() - 1) {
          throw new Mistake(
              entity.at(),
              "the project \""
                  + Texts.shortened(id)
                  + "\" (expected: tenant, '/' and project, as Project::\"messenger/chat\")");
        }
      }
      case TENANT, SITE, OPERATOR -> {
        if (id.isBlank()) {
          throw new Mistake(entity.at(), "an empty id (expected: whom or what it names)");
        }
      }
    }
  }

  private static PolicyAction action(Expression.Entity entity) {
    var words = new ArrayList<String>();
    for (PolicyAction action : PolicyAction.values()) {
      if (action.word().equals(entity.id())) {
        return action;
      }
      words.add(action.word());
    }
    throw new Mistake(
        entity.at(),
        "the action \""
            + Texts.shortened(entity.id())
            + "\" (expected: one of "
            + String.join(", ", words)
            + ")"
            + Texts.didYouMean(entity.id(), words));
  }

  private void checkText(Domain domain, String text, int at) {
    String problem = domain.problem(text);
    if (problem != null) {
      throw new Mistake(at, problem);
    }
    if (domain == Domain.JURISDICTION && !COUNTRIES.contains(text)) {
      remarks.add(
          new Remark(
              at,
              "'"
                  + text
                  + "' is no country of ISO 3166-1, so no site will be there"
                  + (text.equals("UK") ? "; did you mean 'GB'?" : "")
                  + (text.equals("JA") ? "; did you mean 'JP'?" : "")));
    }
  }

  private Typed in(Expression.In in, Set<String> proven) {
    Typed left = typed(in.left(), proven);
    Typed right = typed(in.right(), proven);
    if (!(left.type() instanceof Type.Subject(Root root)) || root == Root.CONTEXT) {
      throw new Mistake(
          in.at(),
          left.type().shown()
              + " left of 'in' (expected: principal, action or resource"
              + (right.node() instanceof Values
                  ? "; to look into a set, write set.contains(value))"
                  : ")"));
    }
    var names = new ArrayList<Expression.Entity>();
    if (right.node() instanceof Expression.Entity entity) {
      names.add(entity);
    } else if (right.node() instanceof NameSet(List<Expression.Entity> entities)) {
      names.addAll(entities);
    } else {
      throw new Mistake(
          in.right().at(),
          right.type().shown() + " right of 'in' (expected: a name or a set of names)");
    }
    var nodes = new ArrayList<Condition>();
    for (Expression.Entity name : names) {
      nodes.add(relation(root, name, true, in.at()));
    }
    return bool(nodes.size() == 1 ? nodes.getFirst() : Nodes.any(nodes));
  }

  /// `root == name`, or `root in name`.
  private Condition relation(Root root, Expression.Entity name, boolean in, int at) {
    String id = name.id();
    return switch (root) {
      case PRINCIPAL ->
          switch (name.kind()) {
            case TENANT -> {
              if (!in) {
                remarks.add(
                    new Remark(
                        at,
                        "'==' names the tenant itself and none of its projects; 'in' would name"
                            + " them, too"));
              }
              yield in
                  ? (principal, _, _, _) -> Nodes.of(principal.tenant().equals(id))
                  : (principal, _, _, _) ->
                      Nodes.of(principal.project() == null && principal.tenant().equals(id));
            }
            case PROJECT ->
                (principal, _, _, _) ->
                    Nodes.of(principal.project() != null && principal.id().equals(id));
            default -> throw neverRelated(root, name, "Tenant or Project");
          };
      case ACTION -> {
        if (name.kind() != EntityKind.ACTION) {
          throw neverRelated(root, name, "Action");
        }
        PolicyAction wanted = action(name);
        yield (_, action, _, _) -> action == null ? Nodes.UNKNOWN : Nodes.of(action == wanted);
      }
      case RESOURCE -> {
        Attribute attribute =
            switch (name.kind()) {
              case SITE -> {
                siteIds.add(id);
                yield known(Root.RESOURCE, "id", at);
              }
              case JURISDICTION -> known(Root.RESOURCE, "jurisdiction", at);
              case OPERATOR -> known(Root.RESOURCE, "operator", at);
              default -> throw neverRelated(root, name, "Site, Jurisdiction or Operator");
            };
        if (!in && name.kind() != EntityKind.SITE) {
          throw new Mistake(
              at,
              "'resource == "
                  + name.kind().word
                  + "::...' never holds, as a resource is a site (expected: 'resource in "
                  + name.kind().word
                  + "::...')");
        }
        yield Nodes.equal((Value) attribute.node(), (_, _, _, _) -> id, true);
      }
      case CONTEXT -> throw neverRelated(root, name, "nothing; ask for its attributes");
    };
  }

  private static Mistake neverRelated(Root root, Expression.Entity name, String expected) {
    return new Mistake(
        name.at(),
        "'"
            + root.word
            + "' compared with "
            + name.kind().word
            + "::\"...\", which it never is (expected: "
            + expected
            + ")");
  }

  // --- comparisons

  private Typed compare(Expression.Compare compare, Set<String> proven) {
    Typed left = typed(compare.left(), proven);
    Typed right = typed(compare.right(), proven);
    boolean equality =
        compare.comparison() == Comparison.EQUAL || compare.comparison() == Comparison.UNEQUAL;
    boolean wanted = compare.comparison() == Comparison.EQUAL;
    if (!equality) {
      if (!(left.type() instanceof Type.Whole) || !(right.type() instanceof Type.Whole)) {
        Typed wrong = left.type() instanceof Type.Whole ? right : left;
        throw new Mistake(
            compare.at(),
            "'"
                + compare.comparison().sign
                + "' between "
                + left.type().shown()
                + " and "
                + right.type().shown()
                + " (expected: numbers on both sides; "
                + wrong.type().shown()
                + " has no order)");
      }
      return bool(Nodes.compare(compare.comparison(), (Value) left.node(), (Value) right.node()));
    }
    if (left.type() instanceof Type.Named && right.type() instanceof Type.Subject) {
      Typed swapped = left;
      left = right;
      right = swapped;
    }
    if (left.type() instanceof Type.Subject(Root root)
        && right.node() instanceof Expression.Entity name) {
      Condition node = relation(root, name, false, compare.at());
      return bool(wanted ? node : Nodes.not(node));
    }
    if (left.node() instanceof Value a
        && right.node() instanceof Value b
        && left.type().getClass() == right.type().getClass()) {
      checkDomains(compare.left(), left.type(), compare.right(), right.type(), compare.at());
      nameSite(compare.left(), compare.right());
      return bool(Nodes.equal(a, b, wanted));
    }
    if (left.node() instanceof Values a && right.node() instanceof Values b) {
      checkDomains(compare.left(), left.type(), compare.right(), right.type(), compare.at());
      Condition same =
          Nodes.all(List.of(Nodes.containsMany(a, b, true), Nodes.containsMany(b, a, true)));
      return bool(wanted ? same : Nodes.not(same));
    }
    if (left.node() instanceof Condition a && right.node() instanceof Condition b) {
      Condition same = Nodes.choice(a, b, Nodes.not(b)); // the same truth
      return bool(wanted ? same : Nodes.not(same));
    }
    throw new Mistake(
        compare.at(),
        left.type().shown()
            + " compared with "
            + right.type().shown()
            + ", which it never is (expected: two values of one kind"
            + (left.type() instanceof Type.Subject || right.type() instanceof Type.Subject
                ? "; an attribute, as resource.id, or a name, as Site::\"...\")"
                : ")"));
  }

  /// `resource.id == "x"` names a site as `resource == Site::"x"` does.
  private void nameSite(Expression left, Expression right) {
    if (isSiteId(left) && right instanceof Expression.Text(String id, _)) {
      siteIds.add(id);
      siteIdReads--;
    } else if (isSiteId(right) && left instanceof Expression.Text(String id, _)) {
      siteIds.add(id);
      siteIdReads--;
    }
  }

  private static boolean isSiteId(Expression expression) {
    return expression instanceof Expression.Attribute(Expression of, String name, _)
        && name.equals("id")
        && of instanceof Expression.Variable(Root root, _)
        && root == Root.RESOURCE;
  }

  /// Texts of two kinds are never equal, and a text that is written down has to be of the kind of
  /// what it is compared with.
  private void checkDomains(
      Expression left, Type leftType, Expression right, Type rightType, int at) {
    Domain leftDomain = domain(leftType);
    Domain rightDomain = domain(rightType);
    if (leftDomain != Domain.ANY && rightDomain != Domain.ANY && leftDomain != rightDomain) {
      throw new Mistake(
          at, leftType.shown() + " compared with " + rightType.shown() + ", which it never is");
    }
    if (isGroup(leftType) && isGroup(rightType) && isWholes(leftType) != isWholes(rightType)) {
      throw new Mistake(
          at, leftType.shown() + " and " + rightType.shown() + " (expected: sets of one kind)");
    }
    checkLiterals(left, rightDomain);
    checkLiterals(right, leftDomain);
  }

  private void checkLiterals(Expression expression, Domain domain) {
    switch (expression) {
      case Expression.Text(String text, int at) -> checkText(domain, text, at);
      case Expression.Elements(List<Expression> elements, _) ->
          elements.forEach(element -> checkLiterals(element, domain));
      default -> {}
    }
  }

  private static Domain domain(Type type) {
    return switch (type) {
      case Type.Text(Domain domain) -> domain;
      case Type.Group(Type element) -> domain(element);
      default -> Domain.ANY;
    };
  }

  private static boolean isGroup(Type type) {
    return type instanceof Type.Group;
  }

  private static boolean isWholes(Type type) {
    return type instanceof Type.Group(Type element) && element instanceof Type.Whole;
  }

  private Typed like(Expression.Like like, Set<String> proven) {
    Typed of = typed(like.of(), proven);
    if (!(of.type() instanceof Type.Text(Domain domain)) || !(of.node() instanceof Value value)) {
      throw new Mistake(like.at(), of.type().shown() + " left of 'like' (expected: a text)");
    }
    if (like.pieces().size() == 1) {
      checkText(domain, like.pieces().getFirst(), like.at());
      remarks.add(new Remark(like.at(), "a pattern without '*' is a plain '=='"));
    }
    return bool(Nodes.like(value, like.pieces()));
  }

  // --- sets

  /// A set of names, for the right side of `in` only.
  private record NameSet(List<Expression.Entity> entities) {}

  private Typed elements(Expression.Elements written, Set<String> proven) {
    if (written.elements().isEmpty()) {
      throw new Mistake(
          written.at(), "an empty set (expected: at least one element; nothing is in this one)");
    }
    var values = new ArrayList<Value>();
    var constants = new ArrayList<Object>();
    var names = new ArrayList<Expression.Entity>();
    Type type = null;
    Domain domain = Domain.ANY;
    for (Expression element : written.elements()) {
      Typed typed = typed(element, proven);
      if (typed.node() instanceof Expression.Entity entity) {
        names.add(entity);
      } else if (typed.node() instanceof Value value) {
        values.add(value);
        switch (element) {
          case Expression.Text(String text, _) -> constants.add(text);
          case Expression.Whole(long number, _) -> constants.add(number);
          default -> {}
        }
      } else {
        throw new Mistake(
            element.at(), typed.type().shown() + " in a set (expected: texts, numbers or names)");
      }
      if (type != null && type.getClass() != typed.type().getClass()) {
        throw new Mistake(
            element.at(),
            typed.type().shown()
                + " in a set that began with "
                + type.shown()
                + " (expected: one kind)");
      }
      type = type == null ? typed.type() : type;
      Domain own = domain(typed.type());
      if (own != Domain.ANY && domain != Domain.ANY && own != domain) {
        throw new Mistake(
            element.at(),
            typed.type().shown() + " in a set of other texts (expected: texts of one kind)");
      }
      domain = own == Domain.ANY ? domain : own;
    }
    if (!names.isEmpty()) {
      return new Typed(new Type.Names(), new NameSet(names), Set.of());
    }
    Domain ofAll = domain;
    written.elements().forEach(element -> checkLiterals(element, ofAll));
    Values node =
        constants.size() == values.size() ? Nodes.constants(constants) : Nodes.elements(values);
    Type element = type instanceof Type.Whole ? type : new Type.Text(domain);
    return new Typed(new Type.Group(element), node, Set.of());
  }

  private Typed call(Expression.Call call, Set<String> proven) {
    Typed on = typed(call.on(), proven);
    if (!METHODS.contains(call.method())) {
      throw new Mistake(
          call.at(),
          "the method '"
              + Texts.shortened(call.method())
              + "' (expected: one of "
              + String.join(", ", METHODS)
              + ")"
              + Texts.didYouMean(call.method(), METHODS));
    }
    if (!(on.node() instanceof Values values)) {
      throw new Mistake(
          call.at(),
          "."
              + call.method()
              + "(...) of "
              + on.type().shown()
              + " (expected: of a set of texts or"
              + " numbers; a principal, action or resource is looked for with 'in')");
    }
    int wanted = call.method().equals("isEmpty") ? 0 : 1;
    if (call.arguments().size() != wanted) {
      throw new Mistake(
          call.at(),
          "."
              + call.method()
              + "(...) with "
              + call.arguments().size()
              + " arguments (expected: "
              + wanted
              + ")");
    }
    if (wanted == 0) {
      return bool(Nodes.isEmpty(values));
    }
    Expression argument = call.arguments().getFirst();
    Typed given = typed(argument, proven);
    if (call.method().equals("contains")) {
      if (!(given.node() instanceof Value value)
          || given.type() instanceof Type.Whole != isWholes(on.type())) {
        throw new Mistake(
            argument.at(),
            given.type().shown()
                + " in .contains(...) of "
                + on.type().shown()
                + " (expected: "
                + (isWholes(on.type()) ? "a number" : "a text")
                + (given.node() instanceof Values
                    ? "; for a set use .containsAll or .containsAny)"
                    : ")"));
      }
      checkDomains(call.on(), on.type(), argument, given.type(), argument.at());
      if (isSiteId(argument)
          && call.on() instanceof Expression.Elements(List<Expression> elements, _)
          && elements.stream().allMatch(element -> element instanceof Expression.Text)) {
        elements.forEach(element -> siteIds.add(((Expression.Text) element).value()));
        siteIdReads--;
      }
      return bool(Nodes.contains(values, value));
    }
    if (!(given.node() instanceof Values other)) {
      throw new Mistake(
          argument.at(),
          given.type().shown() + " in ." + call.method() + "(...) (expected: a set)");
    }
    checkDomains(call.on(), on.type(), argument, given.type(), argument.at());
    return bool(Nodes.containsMany(values, other, call.method().equals("containsAll")));
  }
}
