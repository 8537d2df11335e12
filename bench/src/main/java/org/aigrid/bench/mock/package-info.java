/// A site that answers at once with bytes prepared beforehand: what stands behind every arm of the
/// gateway benchmark, so that the arms differ only in what is between client and mock.
@NullMarked
package org.aigrid.bench.mock;

import org.jspecify.annotations.NullMarked;
