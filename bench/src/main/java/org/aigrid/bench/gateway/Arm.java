package org.aigrid.bench.gateway;

import java.util.Optional;
import java.util.stream.Stream;
import org.aigrid.bench.machine.ChildProcess;
import org.aigrid.bench.machine.ProcessCost;
import org.aigrid.bench.machine.ThreadCosts;
import org.jspecify.annotations.Nullable;

/// One of the things compared: what stands between the load and the mock.
///
/// @param name as the tables print it
/// @param port where it listens on 127.0.0.1
/// @param streamPort where it listens for streams; mostly the same
/// @param process what it costs, or null when nothing stands between
/// @param books process id of its PostgreSQL, which is not a descendant of the gateway; 0 for none
record Arm(String name, int port, int streamPort, @Nullable ChildProcess process, long books)
    implements AutoCloseable {
  static final String DIRECT = "direct";
  static final String HAPROXY = "haproxy";
  static final String GATEWAY = "gateway";

  /// With `--accounts`: our gateway with a key that has no account.
  static final String PLAIN = "plain";

  /// Our gateway with accounts whose book-keeper, transparency log and PostgreSQL stand still, as
  /// if they were another machine's: what a request waits for, without what shares its processors.
  static final String APART = "apart";

  /// The gateway of another build.
  static final String BEFORE = "before";

  /// No proxy at all: the load speaks to the mock.
  static Arm direct(int mockPort) {
    return new Arm(DIRECT, mockPort, mockPort, null, 0);
  }

  /// Of the arm's own process and its descendants.
  ProcessCost cost() {
    return process == null ? ProcessCost.NONE : process.cost();
  }

  /// By parts of the gateway, its PostgreSQL included.
  ThreadCosts parts() {
    if (process == null) {
      return ThreadCosts.NONE;
    }
    Stream<ProcessHandle> database =
        Optional.of(books).filter(pid -> pid > 0).flatMap(ProcessHandle::of).stream()
            .flatMap(server -> Stream.concat(Stream.of(server), server.descendants()));
    return ThreadCosts.of(Stream.concat(process.tree(), database).distinct(), GatewayParts::partOf);
  }

  @Override
  public void close() {
    if (process != null) {
      process.close();
    }
    if (books > 0) {
      ProcessHandle.of(books).ifPresent(ProcessHandle::destroy); // its clients are gone
    }
  }
}
