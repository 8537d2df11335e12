/// How fast the twin plays: countries of growing size, and a toy workload beside CloudSim Plus.
@NullMarked
package org.aigrid.bench.twin;

import org.jspecify.annotations.NullMarked;
