package org.aigrid.twin.play;

import org.aigrid.core.node.Attempts;

/// The way of a request that was not answered where it was sent first: what its gateway remembers
/// of it. Immutable; only the few have one.
///
/// @param state of core's state machine, as of its last dispatch
/// @param had tokens that its caller had before it was sent where it is now
/// @param heard whether a token has come from there
/// @param outputTokens of the whole answer
/// @param brokenTick when its caller had the last token before the stream was lost
record Journey(Attempts state, int had, boolean heard, int outputTokens, long brokenTick) {
  Journey heardAgain() {
    return new Journey(state, had, true, outputTokens, brokenTick);
  }
}
