/// What receipts and their log cost, on the path of a request and behind it.
@NullMarked
package org.aigrid.bench.proof;

import org.jspecify.annotations.NullMarked;
