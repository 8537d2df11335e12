package org.aigrid.live.replay;

import java.util.function.Consumer;
import org.jspecify.annotations.Nullable;

/// One request to send.
///
/// @param body JSON, plain ASCII
/// @param cell the cell its caller stands in, or null to say nothing
/// @param intendedNanos when the trace wanted it sent: latencies count from here
/// @param ended told once, on the client's thread
record Call(String body, @Nullable String cell, long intendedNanos, Consumer<Outcome> ended) {}
