/// What a site hears of its radio, and what enforces the split of its GPU on the device.
@NullMarked
package org.aigrid.live.radio;

import org.jspecify.annotations.NullMarked;
