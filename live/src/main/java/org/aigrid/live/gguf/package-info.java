/// Model files in GGUF: what their headers say, and a tiny valid one for tests and first runs.
@NullMarked
package org.aigrid.live.gguf;

import org.jspecify.annotations.NullMarked;
