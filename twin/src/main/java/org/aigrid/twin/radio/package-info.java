/// What the radio takes of the GPUs at base stations.
@NullMarked
package org.aigrid.twin.radio;

import org.jspecify.annotations.NullMarked;
