/// Whether any work ever begins where its tenant's policies do not permit it: a gateway made of
/// core's state machines and random sites that fail, with policies that change while streams run.
///
/// Starting point: [org.aigrid.twin.residency.ResidencyPlay] plays a world by its seed;
/// [org.aigrid.twin.residency.Audit] judges what the sites wrote down.
@NullMarked
package org.aigrid.twin.residency;

import org.jspecify.annotations.NullMarked;
