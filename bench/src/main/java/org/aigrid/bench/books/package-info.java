/// Measures what reserving, settling and journalling cost a request.
@NullMarked
package org.aigrid.bench.books;

import org.jspecify.annotations.NullMarked;
