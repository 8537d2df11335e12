/// What one router remembers between decisions: its own requests in flight and where prefixes were
/// computed.
@NullMarked
package org.aigrid.core.load;

import org.jspecify.annotations.NullMarked;
