/// Four GPUs in one place beside four places with one: how much load each may take before a bound
/// on the first token breaks, and what it earns at a baseline and in a burst.
@NullMarked
package org.aigrid.twin.burst;

import org.jspecify.annotations.NullMarked;
