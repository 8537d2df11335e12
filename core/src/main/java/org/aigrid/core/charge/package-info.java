/// What does it cost, and who can pay? Prices, and budgets that are reserved, settled and cut,
/// decided without a clock or a database.
@NullMarked
package org.aigrid.core.charge;

import org.jspecify.annotations.NullMarked;
