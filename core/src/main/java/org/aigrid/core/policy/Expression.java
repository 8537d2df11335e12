package org.aigrid.core.policy;

import java.util.List;

/// What a policy's condition says, as written. Immutable; `at` is where it stands in the text.
sealed interface Expression {
  int at();

  /// The four things a policy speaks of.
  enum Root {
    PRINCIPAL("principal"),
    ACTION("action"),
    RESOURCE("resource"),
    CONTEXT("context");

    final String word;

    Root(String word) {
      this.word = word;
    }
  }

  /// How two values are compared.
  enum Comparison {
    EQUAL("=="),
    UNEQUAL("!="),
    LESS("<"),
    LESS_OR_EQUAL("<="),
    GREATER(">"),
    GREATER_OR_EQUAL(">=");

    final String sign;

    Comparison(String sign) {
      this.sign = sign;
    }
  }

  record Truth(boolean value, int at) implements Expression {}

  record Whole(long value, int at) implements Expression {}

  record Text(String value, int at) implements Expression {}

  record Variable(Root root, int at) implements Expression {}

  /// `Tenant::"messenger"`.
  record Entity(EntityKind kind, String id, int at) implements Expression {}

  record Elements(List<Expression> elements, int at) implements Expression {}

  record Attribute(Expression of, String name, int at) implements Expression {}

  record Has(Expression of, String name, int at) implements Expression {}

  record Compare(Comparison comparison, Expression left, Expression right, int at)
      implements Expression {}

  record In(Expression left, Expression right, int at) implements Expression {}

  record Like(Expression of, List<String> pieces, int at) implements Expression {}

  record Call(Expression on, String method, List<Expression> arguments, int at)
      implements Expression {}

  record Not(Expression of, int at) implements Expression {}

  record All(List<Expression> operands, int at) implements Expression {}

  record Any(List<Expression> operands, int at) implements Expression {}

  record Choice(Expression condition, Expression then, Expression otherwise, int at)
      implements Expression {}
}
