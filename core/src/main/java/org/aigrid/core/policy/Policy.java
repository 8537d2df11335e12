package org.aigrid.core.policy;

import java.util.List;
import java.util.Map;
import org.aigrid.core.policy.Nodes.Condition;
import org.jspecify.annotations.Nullable;

/// One policy of a set: permit or forbid, and when. Immutable, safe for any number of threads.
public final class Policy {
  private final String id;
  private final Effect effect;
  private final Map<String, String> annotations;
  private final int line;
  private final int column;
  private final String text;
  private final Condition[] conditions;
  private final boolean readsContext;

  Policy(
      String id,
      Effect effect,
      Map<String, String> annotations,
      int line,
      int column,
      String text,
      List<Condition> conditions,
      boolean readsContext) {
    this.id = id;
    this.effect = effect;
    this.annotations = Map.copyOf(annotations);
    this.line = line;
    this.column = column;
    this.text = text;
    this.conditions = conditions.toArray(Condition[]::new);
    this.readsContext = readsContext;
  }

  /// What its `@id` says, else `policyN`, counted from 1; unique in its set.
  public String id() {
    return id;
  }

  public Effect effect() {
    return effect;
  }

  /// What its `@reason` says to people, or null.
  public @Nullable String reason() {
    return annotations.get("reason");
  }

  /// What stands in `@name("...")` above it, by name.
  public Map<String, String> annotations() {
    return annotations;
  }

  /// Line of `permit` or `forbid`, from 1.
  public int line() {
    return line;
  }

  /// Column of `permit` or `forbid`, from 1.
  public int column() {
    return column;
  }

  /// The policy alone, in canonical form.
  public String text() {
    return text;
  }

  boolean readsContext() {
    return readsContext;
  }

  /// One of the results in [Nodes].
  int test(
      Principal principal,
      @Nullable PolicyAction action,
      @Nullable SiteFacts site,
      @Nullable RequestFacts request) {
    for (Condition condition : conditions) {
      int found = condition.test(principal, action, site, request);
      if (found != Nodes.TRUE) {
        return found;
      }
    }
    return Nodes.TRUE;
  }

  /// Whether it can do anything for a principal. Of a permit no condition may rule the principal
  /// out, wherever it stands: one that errs before would not permit, either. Of a forbid the order
  /// counts, since one that errs denies.
  boolean concerns(Principal principal, @Nullable PolicyAction action) {
    if (effect == Effect.FORBID) {
      return test(principal, action, null, null) != Nodes.FALSE;
    }
    for (Condition condition : conditions) {
      if (condition.test(principal, action, null, null) == Nodes.FALSE) {
        return false;
      }
    }
    return true;
  }

  /// Its id and its place.
  @Override
  public String toString() {
    return id + " (line " + line + ")";
  }
}
