/// A strict HTTP/1.1 and HTTP/2 server on Netty, shared by gateway and site agent.
@NullMarked
package org.aigrid.live.http;

import org.jspecify.annotations.NullMarked;
