/// Where does a request run? (view, load, request) to a route with its reason.
@NullMarked
package org.aigrid.core.route;

import org.jspecify.annotations.NullMarked;
