/// Countries to play: sites, and where people are.
@NullMarked
package org.aigrid.twin.country;

import org.jspecify.annotations.NullMarked;
