package org.aigrid.core.policy;

import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import org.aigrid.core.policy.Expression.Comparison;
import org.aigrid.core.policy.Expression.Root;
import org.aigrid.core.policy.Token.Kind;
import org.jspecify.annotations.Nullable;

/// Reads a policy text by recursive descent; nesting is bounded, chains of `&&` and `||` are loops.
/// Linear in the text. One thread.
///
/// The grammar is Cedar's without templates, arithmetic, records, `is` and extension functions.
final class Parser {
  private static final List<String> RESERVED =
      List.of("true", "false", "if", "then", "else", "in", "like", "has", "is");

  private final Lexer lexer;
  private Token token;
  private int depth;

  Parser(String text) {
    lexer = new Lexer(text);
    token = new Token(Kind.END, "", 0, 0);
  }

  /// Reads every policy it can; what is wrong is added to `mistakes`, one for each broken policy.
  List<Draft> policies(List<Mistake> mistakes) {
    var drafts = new ArrayList<Draft>();
    boolean atStart = false;
    while (mistakes.size() < PolicySet.MISTAKES_MAX) {
      try {
        if (!atStart) {
          advance();
          atStart = true;
        }
        if (token.kind() == Kind.END) {
          return drafts;
        }
        if (drafts.size() == PolicySet.POLICIES_MAX) {
          throw new Mistake(
              token.start(),
              "one policy too many (expected: at most " + PolicySet.POLICIES_MAX + " in a set)");
        }
        depth = 0;
        drafts.add(policy());
      } catch (Mistake mistake) {
        mistakes.add(mistake);
        if (drafts.size() == PolicySet.POLICIES_MAX) {
          return drafts;
        }
        if (!token.is(";") || mistake.at() >= token.end()) {
          lexer.skipPolicy();
        }
        atStart = false;
      }
    }
    return drafts;
  }

  private Draft policy() {
    Map<String, String> annotations = annotations();
    Token head = token;
    Effect effect;
    if (head.isName("permit")) {
      effect = Effect.PERMIT;
    } else if (head.isName("forbid")) {
      effect = Effect.FORBID;
    } else {
      throw new Mistake(
          head.start(),
          head.shown()
              + " (expected: 'permit' or 'forbid')"
              + (head.kind() == Kind.NAME
                  ? Texts.didYouMean(head.text(), List.of("permit", "forbid"))
                  : ""));
    }
    advance();
    var scope = new ArrayList<Expression>();
    expect("(", "before 'principal'");
    scopePart(Root.PRINCIPAL, scope);
    expect(",", "between 'principal' and 'action'");
    scopePart(Root.ACTION, scope);
    expect(",", "between 'action' and 'resource'");
    scopePart(Root.RESOURCE, scope);
    expect(")", "behind 'resource'");
    List<Clause> clauses = clauses();
    if (!token.is(";")) {
      throw new Mistake(
          token.start(),
          token.shown() + " (expected: 'when', 'unless', or ';' at the end of the policy)");
    }
    advance();
    return new Draft(effect, annotations, scope, clauses, head.start());
  }

  private Map<String, String> annotations() {
    var annotations = new LinkedHashMap<String, String>();
    while (token.is("@")) {
      advance();
      Token name = token;
      if (name.kind() != Kind.NAME) {
        throw new Mistake(
            name.start(), name.shown() + " behind '@' (expected: a name, as in @id(\"...\"))");
      }
      advance();
      expect("(", "behind the annotation's name");
      if (token.kind() != Kind.TEXT) {
        throw new Mistake(token.start(), token.shown() + " (expected: a text in double quotes)");
      }
      String value = Texts.decoded(token.text(), token.start() + 1);
      advance();
      expect(")", "behind the annotation's text");
      if (annotations.put(name.text(), value) != null) {
        throw new Mistake(
            name.start(), "@" + Texts.shortened(name.text()) + " twice on one policy");
      }
      if (annotations.size() > PolicySet.ANNOTATIONS_MAX) {
        throw new Mistake(
            name.start(),
            "one annotation too many (expected: at most "
                + PolicySet.ANNOTATIONS_MAX
                + " on a policy)");
      }
    }
    return annotations;
  }

  private void scopePart(Root root, List<Expression> scope) {
    Token variable = token;
    if (!variable.isName(root.word)) {
      throw new Mistake(
          variable.start(),
          variable.shown()
              + " (expected: '"
              + root.word
              + "'; the head of a policy is (principal, action, resource))");
    }
    advance();
    Token operator = token;
    var subject = new Expression.Variable(root, variable.start());
    if (operator.is("==")) {
      advance();
      scope.add(new Expression.Compare(Comparison.EQUAL, subject, entity(), operator.start()));
    } else if (operator.isName("in")) {
      advance();
      scope.add(new Expression.In(subject, entities(), operator.start()));
    } else if (operator.isName("is")) {
      throw noIs(operator);
    } else if (!operator.is(",") && !operator.is(")")) {
      throw new Mistake(
          operator.start(),
          operator.shown()
              + " in the head of a policy (expected: '==' or 'in'; other conditions belong into"
              + " when { ... })");
    }
  }

  private static Mistake noIs(Token operator) {
    return new Mistake(
        operator.start(),
        "'is' (expected: '==', 'in' or 'has'; what 'is' asks is fixed in this schema)");
  }

  private Expression entities() {
    Token open = token;
    if (!open.is("[")) {
      return entity();
    }
    advance();
    var elements = new ArrayList<Expression>();
    while (!token.is("]")) {
      elements.add(entity());
      tooLarge(elements, open);
      if (!token.is("]")) {
        expect(",", "between the elements of a set");
      }
    }
    advance();
    return new Expression.Elements(List.copyOf(elements), open.start());
  }

  private Expression entity() {
    if (token.kind() != Kind.NAME) {
      throw new Mistake(
          token.start(), token.shown() + " (expected: what to compare with, as Tenant::\"id\")");
    }
    Token kind = token;
    advance();
    return entity(kind);
  }

  /// The rest of `Kind::"id"`, whose first word is read.
  private Expression entity(Token kind) {
    if (!token.is("::")) {
      throw new Mistake(
          kind.start(), kind.shown() + " (expected: a kind and an id, as Tenant::\"messenger\")");
    }
    EntityKind known = EntityKind.of(kind.text());
    if (known == null) {
      throw new Mistake(
          kind.start(),
          "the kind "
              + kind.shown()
              + " (expected: one of "
              + String.join(", ", EntityKind.words())
              + ")"
              + Texts.didYouMean(kind.text(), EntityKind.words()));
    }
    advance();
    if (token.kind() != Kind.TEXT) {
      throw new Mistake(
          token.start(), token.shown() + " behind '::' (expected: an id in double quotes)");
    }
    String id = Texts.decoded(token.text(), token.start() + 1);
    advance();
    return new Expression.Entity(known, id, kind.start());
  }

  private List<Clause> clauses() {
    var clauses = new ArrayList<Clause>();
    while (token.isName("when") || token.isName("unless")) {
      boolean when = token.text().equals("when");
      if (clauses.size() == PolicySet.CLAUSES_MAX) {
        throw new Mistake(
            token.start(),
            "one clause too many (expected: at most " + PolicySet.CLAUSES_MAX + " in a policy)");
      }
      advance();
      expect("{", when ? "behind 'when'" : "behind 'unless'");
      Expression condition = expression();
      expect("}", "at the end of the condition");
      clauses.add(new Clause(when, condition));
    }
    return clauses;
  }

  private Expression expression() {
    deeper();
    Expression read = token.isName("if") ? choice() : any();
    depth--;
    return read;
  }

  private Expression choice() {
    int at = token.start();
    advance();
    Expression condition = expression();
    expectName("then");
    Expression then = expression();
    expectName("else");
    return new Expression.Choice(condition, then, expression(), at);
  }

  private Expression any() {
    Expression first = all();
    if (!token.is("||")) {
      return first;
    }
    int at = token.start();
    var operands = new ArrayList<>(List.of(first));
    while (token.is("||")) {
      advance();
      operands.add(all());
    }
    return new Expression.Any(List.copyOf(operands), at);
  }

  private Expression all() {
    Expression first = relation();
    if (!token.is("&&")) {
      return first;
    }
    int at = token.start();
    var operands = new ArrayList<>(List.of(first));
    while (token.is("&&")) {
      advance();
      operands.add(relation());
    }
    return new Expression.All(List.copyOf(operands), at);
  }

  private Expression relation() {
    Expression left = unary();
    Token operator = token;
    Expression read = relation(left, operator);
    if (read != left && (isRelation(token))) {
      throw new Mistake(
          token.start(),
          token.shown() + " behind a comparison (expected: '&&' or '||', or parentheses)");
    }
    return read;
  }

  private static boolean isRelation(Token token) {
    return comparison(token) != null
        || token.isName("in")
        || token.isName("has")
        || token.isName("like");
  }

  private Expression relation(Expression left, Token operator) {
    Comparison comparison = comparison(operator);
    if (comparison != null) {
      advance();
      return new Expression.Compare(comparison, left, unary(), operator.start());
    }
    if (operator.isName("in")) {
      advance();
      return new Expression.In(left, unary(), operator.start());
    }
    if (operator.isName("is")) {
      throw noIs(operator);
    }
    if (operator.isName("has")) {
      advance();
      Token name = token;
      if (name.kind() != Kind.NAME && name.kind() != Kind.TEXT) {
        throw new Mistake(
            name.start(), name.shown() + " behind 'has' (expected: the name of an attribute)");
      }
      advance();
      return new Expression.Has(left, name.text(), name.start());
    }
    if (operator.isName("like")) {
      advance();
      Token pattern = token;
      if (pattern.kind() != Kind.TEXT) {
        throw new Mistake(
            pattern.start(),
            pattern.shown() + " behind 'like' (expected: a pattern in double quotes)");
      }
      List<String> pieces = Texts.patternPieces(pattern.text(), pattern.start() + 1);
      advance();
      return new Expression.Like(left, List.copyOf(pieces), operator.start());
    }
    return left;
  }

  private static @Nullable Comparison comparison(Token token) {
    if (token.kind() != Kind.SIGN) {
      return null;
    }
    for (Comparison comparison : Comparison.values()) {
      if (comparison.sign.equals(token.text())) {
        return comparison;
      }
    }
    return null;
  }

  private Expression unary() {
    Token sign = token;
    if (sign.is("!")) {
      advance();
      deeper();
      Expression of = unary();
      depth--;
      return new Expression.Not(of, sign.start());
    }
    if (sign.is("-")) {
      advance();
      if (token.kind() != Kind.WHOLE) {
        throw new Mistake(
            sign.start(),
            "a '-' (expected: before a number only; policies compare, they do not compute)");
      }
      return whole(sign);
    }
    return member();
  }

  private Expression member() {
    Expression read = primary();
    int members = 0;
    while (token.is(".") || token.is("[")) {
      if (token.is("[")) {
        throw new Mistake(
            token.start(), "a '[' behind a value (expected: '.' and the name of an attribute)");
      }
      if (++members > PolicySet.NESTING_MAX) {
        throw tooDeep(token);
      }
      advance();
      Token name = token;
      if (name.kind() != Kind.NAME) {
        throw new Mistake(
            name.start(), name.shown() + " behind '.' (expected: the name of an attribute)");
      }
      advance();
      read =
          token.is("(")
              ? new Expression.Call(read, name.text(), arguments(), name.start())
              : new Expression.Attribute(read, name.text(), name.start());
    }
    return read;
  }

  private List<Expression> arguments() {
    advance();
    var arguments = new ArrayList<Expression>();
    while (!token.is(")")) {
      arguments.add(expression());
      if (!token.is(")")) {
        expect(",", "between arguments");
      }
    }
    advance();
    return List.copyOf(arguments);
  }

  private Expression primary() {
    Token first = token;
    switch (first.kind()) {
      case TEXT -> {
        advance();
        return new Expression.Text(Texts.decoded(first.text(), first.start() + 1), first.start());
      }
      case WHOLE -> {
        return whole(first);
      }
      case NAME -> {
        return name(first);
      }
      case SIGN -> {
        if (first.is("(")) {
          advance();
          Expression inner = expression();
          expect(")", "that closes the '('");
          return inner;
        }
        if (first.is("[")) {
          return elements(first);
        }
        if (first.is("{")) {
          throw new Mistake(first.start(), "a record (expected: none; this schema has no records)");
        }
        throw new Mistake(first.start(), first.shown() + " (expected: a value or a condition)");
      }
      case END ->
          throw new Mistake(
              first.start(), "the end of the text inside a policy (expected: a value)");
    }
    throw new AssertionError(first);
  }

  private Expression elements(Token open) {
    advance();
    var elements = new ArrayList<Expression>();
    while (!token.is("]")) {
      elements.add(expression());
      tooLarge(elements, open);
      if (!token.is("]")) {
        expect(",", "between the elements of a set");
      }
    }
    advance();
    return new Expression.Elements(List.copyOf(elements), open.start());
  }

  private static void tooLarge(List<Expression> elements, Token open) {
    if (elements.size() > PolicySet.ELEMENTS_MAX) {
      throw new Mistake(
          open.start(),
          "a set of more than "
              + PolicySet.ELEMENTS_MAX
              + " elements (expected: at most "
              + PolicySet.ELEMENTS_MAX
              + ")");
    }
  }

  private Expression name(Token first) {
    advance();
    if (token.is("::")) {
      return entity(first);
    }
    if (first.text().equals("true") || first.text().equals("false")) {
      return new Expression.Truth(first.text().equals("true"), first.start());
    }
    for (Root root : Root.values()) {
      if (root.word.equals(first.text())) {
        return new Expression.Variable(root, first.start());
      }
    }
    if (token.is("(")) {
      throw new Mistake(
          first.start(),
          "the function "
              + first.shown()
              + " (expected: no functions; sets have .contains, .containsAny, .containsAll)");
    }
    if (RESERVED.contains(first.text())) {
      throw new Mistake(
          first.start(),
          first.shown()
              + " (expected: a value or a condition"
              + (first.text().equals("if") ? "; put an inner 'if' in parentheses)" : ")"));
    }
    var known = new ArrayList<String>();
    for (Root root : Root.values()) {
      known.add(root.word);
    }
    throw new Mistake(
        first.start(),
        "the name "
            + first.shown()
            + " (expected: principal, action, resource or context; texts stand in double quotes)"
            + Texts.didYouMean(first.text(), known));
  }

  /// A number, whose first word (its sign, or itself) is given; the digits are the current token.
  private Expression whole(Token first) {
    String digits = token.text();
    String written = first == token ? digits : "-" + digits;
    advance();
    try {
      if (digits.chars().allMatch(c -> c >= '0' && c <= '9')) {
        return new Expression.Whole(Long.parseLong(written), first.start());
      }
    } catch (NumberFormatException _) {
      // told below
    }
    throw new Mistake(
        first.start(),
        "the number '"
            + Texts.shortened(written)
            + "' (expected: a whole number of 64 bits in decimal digits)");
  }

  private void deeper() {
    if (++depth > PolicySet.NESTING_MAX) {
      throw tooDeep(token);
    }
  }

  private static Mistake tooDeep(Token token) {
    return new Mistake(
        token.start(),
        "nested too deeply (expected: at most "
            + PolicySet.NESTING_MAX
            + " levels; split the policy)");
  }

  private void expectName(String name) {
    if (!token.isName(name)) {
      throw new Mistake(token.start(), token.shown() + " (expected: '" + name + "')");
    }
    advance();
  }

  private void expect(String sign, String where) {
    if (!token.is(sign)) {
      throw new Mistake(token.start(), token.shown() + " (expected: '" + sign + "' " + where + ")");
    }
    advance();
  }

  private void advance() {
    token = lexer.next();
  }
}
