/// The site agent: fronts the engines of one site and pushes heartbeats.
@NullMarked
package org.aigrid.live.site;

import org.jspecify.annotations.NullMarked;
