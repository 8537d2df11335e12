package org.aigrid.live.topology;

import java.util.List;
import java.util.stream.Collectors;

/// A topology file that cannot be used, with everything that is wrong with it at once, in the order
/// of the file.
public final class TopologyException extends Exception {
  private static final long serialVersionUID = 1L;

  private final transient List<TopologyProblem> problems;

  TopologyException(List<TopologyProblem> problems) {
    super(problems.stream().map(TopologyProblem::toString).collect(Collectors.joining("\n")));
    this.problems = List.copyOf(problems);
  }

  public List<TopologyProblem> problems() {
    return problems;
  }
}
