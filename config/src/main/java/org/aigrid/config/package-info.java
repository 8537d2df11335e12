/// Reading configuration that people write: TOML, with every mistake told by file, line, key and
/// what was expected. Used by `live` for topologies and by `twin` for scenarios.
@NullMarked
package org.aigrid.config;

import org.jspecify.annotations.NullMarked;
