package org.aigrid.twin.play;

/// How a request left a site without its answer.
enum Loss {
  /// The site died with it, or could not be reached.
  LOST,
  /// The link to it was cut: nobody says so, and its gateway notices by its silence.
  SILENT,
  /// The site turned it away: the radio holds the GPU.
  REFUSED,
  /// The site gave it back for the radio.
  RADIO
}
