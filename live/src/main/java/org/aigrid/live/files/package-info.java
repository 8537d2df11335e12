/// What all that keeps data in folders needs of them.
@NullMarked
package org.aigrid.live.files;

import org.jspecify.annotations.NullMarked;
