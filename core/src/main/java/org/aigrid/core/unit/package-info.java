/// Amounts with their units, and what keeps them inside their bounds: distances, clamps.
@NullMarked
package org.aigrid.core.unit;

import org.jspecify.annotations.NullMarked;
