/// May this request enter? Rate limits per key, decided without a clock of its own.
@NullMarked
package org.aigrid.core.admit;

import org.jspecify.annotations.NullMarked;
