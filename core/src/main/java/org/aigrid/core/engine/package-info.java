/// How long an engine takes: one step model for the router's estimates, the emulated engine and the
/// twin.
@NullMarked
package org.aigrid.core.engine;

import org.jspecify.annotations.NullMarked;
