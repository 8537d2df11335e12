/// The grid as known at one instant: immutable snapshots in columns, built from heartbeats that
/// carry leases.
@NullMarked
package org.aigrid.core.view;

import org.jspecify.annotations.NullMarked;
