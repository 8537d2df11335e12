package org.aigrid.core.policy;

import java.util.List;
import java.util.Map;
import java.util.TreeMap;

/// Writes policies in the one way that is hashed: without comments, with fixed spaces, parentheses
/// only where they are needed, annotations in the order of their names. Reading it again gives the
/// same policies and the same text.
final class Canonical {
  private Canonical() {}

  static String of(List<Draft> drafts) {
    var text = new StringBuilder();
    for (Draft draft : drafts) {
      policy(draft, text);
    }
    return text.toString();
  }

  private static void policy(Draft draft, StringBuilder text) {
    for (Map.Entry<String, String> entry : new TreeMap<>(draft.annotations()).entrySet()) {
      text.append('@')
          .append(entry.getKey())
          .append('(')
          .append(Texts.quoted(entry.getValue()))
          .append(")\n");
    }
    text.append(draft.effect() == Effect.PERMIT ? "permit (" : "forbid (");
    int written = 0;
    for (Expression.Root root : Expression.Root.values()) {
      if (root == Expression.Root.CONTEXT) {
        continue;
      }
      text.append(written++ == 0 ? "" : ", ");
      boolean bound = false;
      for (Expression part : draft.scope()) {
        if (isAbout(part, root)) {
          write(part, text);
          bound = true;
        }
      }
      text.append(bound ? "" : root.word);
    }
    text.append(')');
    for (Clause clause : draft.clauses()) {
      text.append(clause.when() ? "\nwhen { " : "\nunless { ");
      write(clause.condition(), text);
      text.append(" }");
    }
    text.append(";\n");
  }

  private static boolean isAbout(Expression part, Expression.Root root) {
    Expression subject =
        switch (part) {
          case Expression.Compare compare -> compare.left();
          case Expression.In in -> in.left();
          default -> part;
        };
    return subject instanceof Expression.Variable(Expression.Root of, _) && of == root;
  }

  private static void write(Expression expression, StringBuilder text) {
    switch (expression) {
      case Expression.Truth(boolean value, _) -> text.append(value);
      case Expression.Whole(long value, _) -> text.append(value);
      case Expression.Text(String value, _) -> text.append(Texts.quoted(value));
      case Expression.Variable(Expression.Root root, _) -> text.append(root.word);
      case Expression.Entity(EntityKind kind, String id, _) ->
          text.append(kind.word).append("::").append(Texts.quoted(id));
      case Expression.Elements(List<Expression> elements, _) -> {
        text.append('[');
        list(elements, ", ", text);
        text.append(']');
      }
      case Expression.Attribute(Expression of, String name, _) -> {
        closed(of, text);
        text.append('.').append(name);
      }
      case Expression.Has(Expression of, String name, _) -> {
        closed(of, text);
        text.append(" has ").append(name);
      }
      case Expression.Compare(Expression.Comparison how, Expression left, Expression right, _) -> {
        closed(left, text);
        text.append(' ').append(how.sign).append(' ');
        closed(right, text);
      }
      case Expression.In(Expression left, Expression right, _) -> {
        closed(left, text);
        text.append(" in ");
        closed(right, text);
      }
      case Expression.Like(Expression of, List<String> pieces, _) -> {
        closed(of, text);
        text.append(" like ").append(Texts.quotedPattern(pieces));
      }
      case Expression.Call(Expression on, String method, List<Expression> arguments, _) -> {
        closed(on, text);
        text.append('.').append(method).append('(');
        list(arguments, ", ", text);
        text.append(')');
      }
      case Expression.Not(Expression of, _) -> {
        text.append('!');
        closed(of, text);
      }
      case Expression.All(List<Expression> operands, _) -> joined(operands, " && ", text);
      case Expression.Any(List<Expression> operands, _) -> joined(operands, " || ", text);
      case Expression.Choice(Expression condition, Expression then, Expression otherwise, _) -> {
        text.append("if ");
        write(condition, text);
        text.append(" then ");
        write(then, text);
        text.append(" else ");
        write(otherwise, text);
      }
    }
  }

  private static void list(List<Expression> parts, String between, StringBuilder text) {
    for (int i = 0; i < parts.size(); i++) {
      text.append(i == 0 ? "" : between);
      write(parts.get(i), text);
    }
  }

  private static void joined(List<Expression> operands, String sign, StringBuilder text) {
    for (int i = 0; i < operands.size(); i++) {
      text.append(i == 0 ? "" : sign);
      Expression operand = operands.get(i);
      if (isJoined(operand)) {
        parenthesised(operand, text);
      } else {
        write(operand, text);
      }
    }
  }

  private static boolean isJoined(Expression expression) {
    return expression instanceof Expression.All
        || expression instanceof Expression.Any
        || expression instanceof Expression.Choice;
  }

  /// As an operand of something that binds tightly.
  private static void closed(Expression expression, StringBuilder text) {
    boolean open =
        isJoined(expression)
            || expression instanceof Expression.Compare
            || expression instanceof Expression.In
            || expression instanceof Expression.Has
            || expression instanceof Expression.Like;
    if (open) {
      parenthesised(expression, text);
    } else {
      write(expression, text);
    }
  }

  private static void parenthesised(Expression expression, StringBuilder text) {
    text.append('(');
    write(expression, text);
    text.append(')');
  }
}
