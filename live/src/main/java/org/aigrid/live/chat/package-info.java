/// Talks to a grid from the terminal. Starting point: `ChatClient`.
@NullMarked
package org.aigrid.live.chat;

import org.jspecify.annotations.NullMarked;
