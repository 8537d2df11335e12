/// Measures the gateway against a direct connection and against HAProxy: the same mock, the same
/// load, one run, the arms in turn.
///
/// Starting points: `GatewayBench` (the command), `Arm` (what is compared), `StreamsBench` (many
/// streams held open at once).
@NullMarked
package org.aigrid.bench.gateway;

import org.jspecify.annotations.NullMarked;
