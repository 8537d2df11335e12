/// The country under virtual time: core's router, views and load, with modelled engines and
/// networks.
@NullMarked
package org.aigrid.twin.play;

import org.jspecify.annotations.NullMarked;
