/// Where a request may be processed: policies, the key and the request itself, the strictest wins.
///
/// Starting points: a [Residency] for each key answers for one site that was chosen
/// ([Residency#check]) and says why ([Residency#explain]); [Residency#on] prepares it for a roster,
/// so that a router can ask for the permitted sites before it chooses. Everything fails closed:
/// what is missing or unknown is not permitted.
@NullMarked
package org.aigrid.core.residency;

import org.jspecify.annotations.NullMarked;
