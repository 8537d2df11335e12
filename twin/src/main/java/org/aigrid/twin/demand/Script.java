package org.aigrid.twin.demand;

import java.util.Comparator;
import java.util.List;

/// Requests that are given one by one instead of being drawn: a trace that the live grid answers,
/// too. Immutable.
///
/// @param requests in order of time
public record Script(List<Request> requests) {
  /// Nothing is given; all is drawn.
  public static final Script NONE = new Script(List.of());

  /// One request.
  ///
  /// @param atMs since the play began
  /// @param service index in the demand
  /// @param site index in the country of the site whose cell its caller is in
  public record Request(double atMs, int service, int site, int promptTokens, int outputTokens) {}

  public Script {
    requests = requests.stream().sorted(Comparator.comparingDouble(Request::atMs)).toList();
  }
}
