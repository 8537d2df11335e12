/// Engines that turn a prompt into tokens: llama.cpp inside this process, and an emulated one with
/// real timing. No HTTP here.
@NullMarked
package org.aigrid.live.engine;

import org.jspecify.annotations.NullMarked;
