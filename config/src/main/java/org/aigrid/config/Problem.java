package org.aigrid.config;

/// One thing that is wrong with a configuration file.
///
/// @param line from 1; 0 when the whole file is meant
/// @param column from 1; 0 when the whole file is meant
/// @param message names the key, what was found and what was expected
public record Problem(String file, int line, int column, String message) {
  /// `file:line:column: message`, the form that editors turn into a link.
  @Override
  public String toString() {
    return line == 0 ? file + ": " + message : file + ":" + line + ":" + column + ": " + message;
  }
}
