/// One base station's GPU at the grain of radio slots: radio jobs with deadlines and AI in pieces,
/// under different rules of sharing.
@NullMarked
package org.aigrid.twin.slots;

import org.jspecify.annotations.NullMarked;
