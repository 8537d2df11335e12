/// Published runs of real engines, and how close the twin's engines come to them.
@NullMarked
package org.aigrid.twin.runs;

import org.jspecify.annotations.NullMarked;
