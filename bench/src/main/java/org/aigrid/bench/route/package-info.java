/// What a routing decision and keeping the view cost on a grid of 200,000 sites.
@NullMarked
package org.aigrid.bench.route;

import org.jspecify.annotations.NullMarked;
