package org.aigrid.twin.scenario;

import java.util.List;
import java.util.stream.Collectors;
import org.aigrid.config.Problem;

/// A scenario that cannot be played, with everything that is wrong with it at once.
public final class ScenarioException extends Exception {
  private static final long serialVersionUID = 1L;

  ScenarioException(List<Problem> problems) {
    super(problems.stream().map(Problem::toString).collect(Collectors.joining("\n")));
  }
}
