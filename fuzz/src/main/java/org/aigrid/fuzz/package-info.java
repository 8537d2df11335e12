/// Fuzz targets with coverage (Jazzer) for everything that strangers can send: HTTP, JSON, SSE,
/// work orders, policy text, the journal, the log's notes, tiles and proofs, and addresses. Each
/// target asks for more than that nothing is thrown: what is read has to mean the same however it
/// is cut and wherever it is read again. `./grid fuzz` runs them; a short run is part of the tests.
@NullMarked
package org.aigrid.fuzz;

import org.jspecify.annotations.NullMarked;
