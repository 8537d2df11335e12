/// What a play came to, for people and programs: JSON, one HTML page, lines for a terminal.
@NullMarked
package org.aigrid.twin.report;

import org.jspecify.annotations.NullMarked;
