/// The stateless data plane: authenticates, admits, routes, relays, retries, meters.
@NullMarked
package org.aigrid.live.gateway;

import org.jspecify.annotations.NullMarked;
