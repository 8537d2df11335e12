package org.aigrid.core.policy;

import java.util.List;
import org.aigrid.core.model.ServiceTier;
import org.jspecify.annotations.Nullable;

/// What a policy may ask of a request: its `context`. Immutable.
///
/// @param tier how urgent it is
/// @param model which model it asks for, or null where no model is at work (a log line): a policy
///   that asks for it then cannot be evaluated
/// @param jurisdictions to where the request itself narrowed its processing, or null when it did
///   not
public record RequestFacts(
    ServiceTier tier, @Nullable String model, @Nullable List<String> jurisdictions) {
  public RequestFacts {
    jurisdictions = jurisdictions == null ? null : List.copyOf(jurisdictions);
  }

  /// A request of the standard tier that narrows nothing.
  public static RequestFacts of(String model) {
    return new RequestFacts(ServiceTier.STANDARD, model, null);
  }

  /// Whether the request itself lets this jurisdiction process it.
  public boolean allows(String jurisdiction) {
    return jurisdictions == null || jurisdictions.contains(jurisdiction);
  }
}
