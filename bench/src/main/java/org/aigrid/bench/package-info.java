/// Placeholder.
@NullMarked
package org.aigrid.bench;

import org.jspecify.annotations.NullMarked;
