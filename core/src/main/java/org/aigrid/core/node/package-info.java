/// Protocols as state machines: (state, event, now) to next state and effects.
@NullMarked
package org.aigrid.core.node;

import org.jspecify.annotations.NullMarked;
