package org.aigrid.live.radio;

/// Where a site hears what its radio wants of the GPU. Safe for one caller at a time.
public interface RadioLoad extends AutoCloseable {
  /// What [#demand] answers when the radio has not been heard of lately: it then holds everything.
  double UNKNOWN = Double.NaN;

  /// Share of the GPU that the radio wants now, 0 to 1, or `UNKNOWN`. Returns at once; asked some
  /// hundred times a second.
  ///
  /// @param nowMs on a clock that only goes forward
  double demand(long nowMs);

  /// When the word came that [#demand] answers with, in nanoseconds of `System.nanoTime`: as long
  /// as that stays the same, nothing new has been heard. Now, where each look is a word of its own.
  default long heardNanos() {
    return System.nanoTime();
  }

  @Override
  default void close() {}
}
