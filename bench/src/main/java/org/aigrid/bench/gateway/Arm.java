package org.aigrid.bench.gateway;

import org.aigrid.bench.machine.ChildProcess;
import org.aigrid.bench.machine.ProcessCost;
import org.jspecify.annotations.Nullable;

/// One of the things compared: what stands between the load and the mock.
///
/// @param name as the tables print it
/// @param port where it listens on 127.0.0.1
/// @param streamPort where it listens for streams; mostly the same
/// @param process what it costs, or null when nothing stands between
record Arm(String name, int port, int streamPort, @Nullable ChildProcess process)
    implements AutoCloseable {
  static final String DIRECT = "direct";
  static final String HAPROXY = "haproxy";
  static final String GATEWAY = "gateway";

  /// No proxy at all: the load speaks to the mock.
  static Arm direct(int mockPort) {
    return new Arm(DIRECT, mockPort, mockPort, null);
  }

  ProcessCost cost() {
    return process == null ? ProcessCost.NONE : process.cost();
  }

  @Override
  public void close() {
    if (process != null) {
      process.close();
    }
  }
}
