package org.aigrid.live.topology;

import java.util.List;
import java.util.stream.Collectors;
import org.aigrid.config.Problem;

/// A topology file that cannot be used, with everything that is wrong with it at once, in the order
/// of the file.
public final class TopologyException extends Exception {
  private static final long serialVersionUID = 1L;

  private final transient List<Problem> problems;

  TopologyException(List<Problem> problems) {
    super(problems.stream().map(Problem::toString).collect(Collectors.joining("\n")));
    this.problems = List.copyOf(problems);
  }

  public List<Problem> problems() {
    return problems;
  }
}
