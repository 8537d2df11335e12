/// Placeholder.
@NullMarked
package org.aigrid.twin;

import org.jspecify.annotations.NullMarked;
