package org.aigrid.live.up;

/// What we know about the terminal.
final class Terminal {
  private Terminal() {}

  /// Whether a person looks at a terminal that understands cursor movements.
  static boolean isInteractive() {
    return System.console() != null
        && System.console().isTerminal()
        && !"dumb".equals(System.getenv("TERM"))
        && System.getenv("CI") == null;
  }
}
