package org.aigrid.live.policy;

import java.util.List;
import java.util.stream.Collectors;
import org.aigrid.config.Problem;

/// A policy file, or a test of one, that cannot be used, with everything that is wrong with it. The
/// message shows each mistake with its line and a caret.
public final class PolicyException extends Exception {
  private static final long serialVersionUID = 1L;

  private final transient List<Problem> problems;

  PolicyException(List<Problem> problems, String message) {
    super(message);
    this.problems = List.copyOf(problems);
  }

  static PolicyException of(List<Problem> problems) {
    return new PolicyException(
        problems, problems.stream().map(Problem::toString).collect(Collectors.joining("\n")));
  }

  public List<Problem> problems() {
    return problems;
  }
}
