/// Request traces of real services, read as a stream of rows. Starting point: `Traces.open`.
@NullMarked
package org.aigrid.live.trace;

import org.jspecify.annotations.NullMarked;
