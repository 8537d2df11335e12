/// Engines that turn a prompt into tokens: llama.cpp in a process of its own, and an emulated one
/// with real timing. No HTTP here.
@NullMarked
package org.aigrid.live.engine;

import org.jspecify.annotations.NullMarked;
