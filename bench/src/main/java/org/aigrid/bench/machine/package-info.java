/// What a number depends on besides the code: the machine, the commit, and what a process costs
/// while it runs. Reads `/proc`, so Linux only.
@NullMarked
package org.aigrid.bench.machine;

import org.jspecify.annotations.NullMarked;
