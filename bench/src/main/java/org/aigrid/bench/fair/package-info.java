/// What it costs to let requests wait in their tenants' turns.
@NullMarked
package org.aigrid.bench.fair;

import org.jspecify.annotations.NullMarked;
