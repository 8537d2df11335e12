package org.aigrid.core.policy;

import org.aigrid.core.policy.Expression.Root;

/// What kind of value an expression has.
sealed interface Type {
  /// As a message calls it.
  String shown();

  /// True or false.
  record Bool() implements Type {
    @Override
    public String shown() {
      return "a condition (true or false)";
    }
  }

  /// A whole number.
  record Whole() implements Type {
    @Override
    public String shown() {
      return "a number";
    }
  }

  /// A text.
  record Text(Domain domain) implements Type {
    @Override
    public String shown() {
      return domain == Domain.ANY ? "a text" : "a text (" + domain.expectation() + ")";
    }
  }

  /// A set; its elements are texts or numbers.
  record Group(Type element) implements Type {
    @Override
    public String shown() {
      return element instanceof Whole ? "a set of numbers" : "a set of texts";
    }
  }

  /// `principal`, `action`, `resource` or `context` itself.
  record Subject(Root root) implements Type {
    @Override
    public String shown() {
      return "'" + root.word + "' itself";
    }
  }

  /// `Kind::"id"`.
  record Named(EntityKind kind) implements Type {
    @Override
    public String shown() {
      return "a name such as " + kind.word + "::\"...\"";
    }
  }

  /// A set of names.
  record Names() implements Type {
    @Override
    public String shown() {
      return "a set of names";
    }
  }
}
