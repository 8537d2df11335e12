/// Engines under virtual time, at two levels that have to agree: every forward pass of core's
/// `BatchScheduler` (`StepLevel`), and requests that share a processor (`SharedEngine`).
@NullMarked
package org.aigrid.twin.engine;

import org.jspecify.annotations.NullMarked;
