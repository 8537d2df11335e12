/// The books: who has what, who spent what, and how it gets there exactly once. A PostgreSQL with
/// tenants and double-entry accounts, the gateway's journal on disk, and what carries one into the
/// other.
@NullMarked
package org.aigrid.live.books;

import org.jspecify.annotations.NullMarked;
