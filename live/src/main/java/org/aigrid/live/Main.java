package org.aigrid.live;

import org.aigrid.live.up.GridCommand;

/// The program: `./grid` runs this class.
public final class Main {
  private Main() {}

  static void main(String... args) {
    System.exit(GridCommand.run(args));
  }
}
