/// Topology files: which sites a grid has, where they stand and what runs there, in TOML. A country
/// is such a file. Starting point: `TopologyFile`.
@NullMarked
package org.aigrid.live.topology;

import org.jspecify.annotations.NullMarked;
