/// What we talk about: tiers, sites, endpoints, models, accelerators. Records without behaviour
/// beyond their own checks.
@NullMarked
package org.aigrid.core.model;

import org.jspecify.annotations.NullMarked;
