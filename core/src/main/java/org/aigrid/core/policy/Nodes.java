package org.aigrid.core.policy;

import java.util.List;
import java.util.Set;
import java.util.function.Function;
import org.aigrid.core.policy.Expression.Comparison;
import org.jspecify.annotations.Nullable;

/// The compiled form of conditions: trees of small nodes without state, each a function of the
/// principal, the action, the site and the request.
///
/// The last three may be null while only the principal is known; what depends on them is then
/// `UNKNOWN`, and `&&` and `||` still know what their left side settles: what stands right of
/// something unknown settles nothing, since the unknown may err. Evaluation allocates nothing, is
/// bounded by the size of the tree and goes from left to right, as Cedar's does. Safe for any
/// number of threads.
final class Nodes {
  static final int FALSE = 0;
  static final int TRUE = 1;

  /// Something asked for is missing.
  static final int ERRS = 2;

  /// It depends on what is not known yet.
  static final int UNKNOWN = 3;

  /// What a value is that depends on what is not known yet. A missing value is null.
  private static final Object NOT_YET = new Object();

  private Nodes() {}

  /// True, false, or why neither.
  interface Condition {
    int test(
        Principal principal,
        @Nullable PolicyAction action,
        @Nullable SiteFacts site,
        @Nullable RequestFacts request);
  }

  /// A text or a number; null when it is missing.
  interface Value {
    @Nullable Object of(
        Principal principal,
        @Nullable PolicyAction action,
        @Nullable SiteFacts site,
        @Nullable RequestFacts request);
  }

  /// A set of texts or numbers.
  interface Values {
    /// How many there are; `-ERRS` or `-UNKNOWN` when that cannot be said.
    int count(
        Principal principal,
        @Nullable PolicyAction action,
        @Nullable SiteFacts site,
        @Nullable RequestFacts request);

    /// Whether `value` is among them; asked only when `count` is not negative.
    boolean has(
        Object value,
        Principal principal,
        @Nullable PolicyAction action,
        @Nullable SiteFacts site,
        @Nullable RequestFacts request);

    /// The `i`-th; asked only when `count` is greater.
    @Nullable Object at(
        int i,
        Principal principal,
        @Nullable PolicyAction action,
        @Nullable SiteFacts site,
        @Nullable RequestFacts request);
  }

  static int of(boolean holds) {
    return holds ? TRUE : FALSE;
  }

  private static int whyNot(@Nullable Object value) {
    return value == null ? ERRS : UNKNOWN;
  }

  /// The attribute of a site, or of a request, that is perhaps not known yet.
  static Value ofSite(Function<SiteFacts, @Nullable Object> attribute) {
    return (_, _, site, _) -> site == null ? NOT_YET : attribute.apply(site);
  }

  static Value ofRequest(Function<RequestFacts, @Nullable Object> attribute) {
    return (_, _, _, request) -> request == null ? NOT_YET : attribute.apply(request);
  }

  static Value ofPrincipal(Function<Principal, @Nullable Object> attribute) {
    return (principal, _, _, _) -> attribute.apply(principal);
  }

  static Condition has(Value value) {
    return (principal, action, site, request) -> {
      Object found = value.of(principal, action, site, request);
      return found == NOT_YET ? UNKNOWN : of(found != null);
    };
  }

  static Condition equal(Value left, Value right, boolean wanted) {
    return (principal, action, site, request) -> {
      Object a = left.of(principal, action, site, request);
      if (a == null || a == NOT_YET) {
        return whyNot(a);
      }
      Object b = right.of(principal, action, site, request);
      return b == null || b == NOT_YET ? whyNot(b) : of(a.equals(b) == wanted);
    };
  }

  static Condition compare(Comparison comparison, Value left, Value right) {
    return (principal, action, site, request) -> {
      Object a = left.of(principal, action, site, request);
      if (a == null || a == NOT_YET) {
        return whyNot(a);
      }
      Object b = right.of(principal, action, site, request);
      if (b == null || b == NOT_YET) {
        return whyNot(b);
      }
      int order = Long.compare((Long) a, (Long) b);
      return of(
          switch (comparison) {
            case LESS -> order < 0;
            case LESS_OR_EQUAL -> order <= 0;
            case GREATER -> order > 0;
            case GREATER_OR_EQUAL -> order >= 0;
            case EQUAL -> order == 0;
            case UNEQUAL -> order != 0;
          });
    };
  }

  static Condition like(Value value, List<String> pieces) {
    return (principal, action, site, request) -> {
      Object found = value.of(principal, action, site, request);
      return found == null || found == NOT_YET
          ? whyNot(found)
          : of(matches((String) found, pieces));
    };
  }

  /// Whether a text is the pieces with anything in between. Each piece is looked for once, from
  /// where the last one ended: the earliest place is as good as any.
  static boolean matches(String text, List<String> pieces) {
    String first = pieces.getFirst();
    if (pieces.size() == 1) {
      return text.equals(first);
    }
    String last = pieces.getLast();
    if (text.length() < first.length() + last.length()
        || !text.startsWith(first)
        || !text.endsWith(last)) {
      return false;
    }
    int from = first.length();
    int end = text.length() - last.length();
    for (int i = 1; i < pieces.size() - 1; i++) {
      String piece = pieces.get(i);
      int found = text.indexOf(piece, from);
      if (found < 0 || found + piece.length() > end) {
        return false;
      }
      from = found + piece.length();
    }
    return true;
  }

  static Condition not(Condition of) {
    return (principal, action, site, request) -> {
      int found = of.test(principal, action, site, request);
      return found <= TRUE ? TRUE - found : found;
    };
  }

  static Condition all(List<Condition> operands) {
    return firstThatIsNot(TRUE, operands);
  }

  static Condition any(List<Condition> operands) {
    return firstThatIsNot(FALSE, operands);
  }

  private static Condition firstThatIsNot(int usual, List<Condition> operands) {
    Condition[] conditions = operands.toArray(Condition[]::new);
    return (principal, action, site, request) -> {
      for (Condition condition : conditions) {
        int found = condition.test(principal, action, site, request);
        if (found != usual) {
          return found;
        }
      }
      return usual;
    };
  }

  static Condition choice(Condition condition, Condition then, Condition otherwise) {
    return (principal, action, site, request) ->
        switch (condition.test(principal, action, site, request)) {
          case TRUE -> then.test(principal, action, site, request);
          case FALSE -> otherwise.test(principal, action, site, request);
          case ERRS -> ERRS;
          default -> UNKNOWN;
        };
  }

  static Condition contains(Values values, Value value) {
    return (principal, action, site, request) -> {
      int count = values.count(principal, action, site, request);
      if (count < 0) {
        return -count;
      }
      Object found = value.of(principal, action, site, request);
      return found == null || found == NOT_YET
          ? whyNot(found)
          : of(values.has(found, principal, action, site, request));
    };
  }

  /// Whether all (or any) of the second set are in the first.
  static Condition containsMany(Values in, Values wanted, boolean all) {
    return (principal, action, site, request) -> {
      int count = in.count(principal, action, site, request);
      if (count < 0) {
        return -count;
      }
      int wantedCount = wanted.count(principal, action, site, request);
      if (wantedCount < 0) {
        return -wantedCount;
      }
      for (int i = 0; i < wantedCount; i++) {
        Object value = wanted.at(i, principal, action, site, request);
        boolean has = value != null && in.has(value, principal, action, site, request);
        if (has != all) {
          return of(!all);
        }
      }
      return of(all);
    };
  }

  static Condition isEmpty(Values values) {
    return (principal, action, site, request) -> {
      int count = values.count(principal, action, site, request);
      return count < 0 ? -count : of(count == 0);
    };
  }

  /// A set of values that are written in the policy.
  static Values constants(List<Object> values) {
    Set<Object> distinct = Set.copyOf(values);
    Object[] inOrder = values.toArray();
    return new Values() {
      @Override
      public int count(
          Principal principal,
          @Nullable PolicyAction action,
          @Nullable SiteFacts site,
          @Nullable RequestFacts request) {
        return inOrder.length;
      }

      @Override
      public boolean has(
          Object value,
          Principal principal,
          @Nullable PolicyAction action,
          @Nullable SiteFacts site,
          @Nullable RequestFacts request) {
        return distinct.contains(value);
      }

      @Override
      public Object at(
          int i,
          Principal principal,
          @Nullable PolicyAction action,
          @Nullable SiteFacts site,
          @Nullable RequestFacts request) {
        return inOrder[i];
      }
    };
  }

  /// A set of values of which some have to be looked up.
  static Values elements(List<Value> values) {
    Value[] inOrder = values.toArray(Value[]::new);
    return new Values() {
      @Override
      public int count(
          Principal principal,
          @Nullable PolicyAction action,
          @Nullable SiteFacts site,
          @Nullable RequestFacts request) {
        for (Value value : inOrder) {
          Object found = value.of(principal, action, site, request);
          if (found == null || found == NOT_YET) {
            return -whyNot(found);
          }
        }
        return inOrder.length;
      }

      @Override
      public boolean has(
          Object wanted,
          Principal principal,
          @Nullable PolicyAction action,
          @Nullable SiteFacts site,
          @Nullable RequestFacts request) {
        for (Value value : inOrder) {
          if (wanted.equals(value.of(principal, action, site, request))) {
            return true;
          }
        }
        return false;
      }

      @Override
      public @Nullable Object at(
          int i,
          Principal principal,
          @Nullable PolicyAction action,
          @Nullable SiteFacts site,
          @Nullable RequestFacts request) {
        return inOrder[i].of(principal, action, site, request);
      }
    };
  }

  /// The tags of the principal.
  static Values tags() {
    return new Values() {
      @Override
      public int count(
          Principal principal,
          @Nullable PolicyAction action,
          @Nullable SiteFacts site,
          @Nullable RequestFacts request) {
        return principal.tags().size();
      }

      @Override
      public boolean has(
          Object value,
          Principal principal,
          @Nullable PolicyAction action,
          @Nullable SiteFacts site,
          @Nullable RequestFacts request) {
        return principal.tags().contains(value);
      }

      @Override
      public Object at(
          int i,
          Principal principal,
          @Nullable PolicyAction action,
          @Nullable SiteFacts site,
          @Nullable RequestFacts request) {
        return principal.tags().get(i);
      }
    };
  }

  /// To where the request narrowed itself.
  static Values narrowing() {
    return new Values() {
      @Override
      public int count(
          Principal principal,
          @Nullable PolicyAction action,
          @Nullable SiteFacts site,
          @Nullable RequestFacts request) {
        if (request == null) {
          return -UNKNOWN;
        }
        List<String> jurisdictions = request.jurisdictions();
        return jurisdictions == null ? -ERRS : jurisdictions.size();
      }

      @Override
      public boolean has(
          Object value,
          Principal principal,
          @Nullable PolicyAction action,
          @Nullable SiteFacts site,
          @Nullable RequestFacts request) {
        return list(request).contains(value);
      }

      @Override
      public Object at(
          int i,
          Principal principal,
          @Nullable PolicyAction action,
          @Nullable SiteFacts site,
          @Nullable RequestFacts request) {
        return list(request).get(i);
      }

      private static List<String> list(@Nullable RequestFacts request) {
        List<String> jurisdictions = request == null ? null : request.jurisdictions();
        return jurisdictions == null ? List.of() : jurisdictions;
      }
    };
  }
}
