/// MEASURES: the command line of the benchmarks. Each benchmark prints the machine, the date and
/// the commit beside its numbers, so that a number can be traced and repeated.
@NullMarked
package org.aigrid.bench;

import org.jspecify.annotations.NullMarked;
