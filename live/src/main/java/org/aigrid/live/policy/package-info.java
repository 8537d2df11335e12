/// Policy files: reading them, their versions, what is wrong with them shown with the line, and
/// tests of them that people write. What policies mean is decided in `org.aigrid.core.policy`.
@NullMarked
package org.aigrid.live.policy;

import org.jspecify.annotations.NullMarked;
