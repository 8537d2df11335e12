/// Who is in the grid and how it is doing: sites register and push heartbeats, gateways read views.
@NullMarked
package org.aigrid.live.control;

import org.jspecify.annotations.NullMarked;
