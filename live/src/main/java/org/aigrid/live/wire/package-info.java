/// The OpenAI API's shapes on the wire: errors, headers, SSE frames, and what a request's JSON
/// says.
@NullMarked
package org.aigrid.live.wire;

import org.jspecify.annotations.NullMarked;
