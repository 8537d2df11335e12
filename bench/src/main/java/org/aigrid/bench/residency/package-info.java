/// The search for work that begins where it may not. Starting point:
/// [org.aigrid.bench.residency.ResidencyBench].
@NullMarked
package org.aigrid.bench.residency;

import org.jspecify.annotations.NullMarked;
