/// The command line, and the whole grid in one process. Starting points: `GridCommand` for people,
/// `LiveGrid` for code.
@NullMarked
package org.aigrid.live.up;

import org.jspecify.annotations.NullMarked;
