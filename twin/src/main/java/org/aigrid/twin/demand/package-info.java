/// What people ask for, when and where.
@NullMarked
package org.aigrid.twin.demand;

import org.jspecify.annotations.NullMarked;
