package org.aigrid.fuzz;

import java.util.Objects;
import org.jspecify.annotations.Nullable;

/// A target's property does not hold: an error, so that no code under test can catch it.
public final class Finding extends AssertionError {
  private static final long serialVersionUID = 1;

  public Finding(String message) {
    super(message);
  }

  /// Both are equal, or it is a finding.
  public static void unlessEqual(String what, @Nullable Object one, @Nullable Object other) {
    if (!Objects.equals(one, other)) {
      throw new Finding(what + ": <" + one + "> and <" + other + ">");
    }
  }

  /// It holds, or it is a finding.
  public static void unless(boolean holds, String what) {
    if (!holds) {
      throw new Finding(what);
    }
  }
}
