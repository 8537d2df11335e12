package org.aigrid.core.node;

import java.util.List;

/// What a state machine answers to an event: its next state and what to do about it. Immutable.
///
/// @param state the next state
/// @param effects to be carried out in order
public record Step<S, E>(S state, List<E> effects) {
  public Step {
    effects = List.copyOf(effects);
  }

  @SafeVarargs
  public static <S, E> Step<S, E> to(S state, E... effects) {
    return new Step<>(state, List.of(effects));
  }
}
