package org.aigrid.bench.fair;

import java.util.List;
import java.util.concurrent.TimeUnit;
import org.aigrid.core.admit.FairQueue;
import org.aigrid.core.admit.WaitingRoom;
import org.aigrid.core.model.ServiceTier;
import org.openjdk.jmh.annotations.Benchmark;
import org.openjdk.jmh.annotations.BenchmarkMode;
import org.openjdk.jmh.annotations.Level;
import org.openjdk.jmh.annotations.Mode;
import org.openjdk.jmh.annotations.OutputTimeUnit;
import org.openjdk.jmh.annotations.Param;
import org.openjdk.jmh.annotations.Scope;
import org.openjdk.jmh.annotations.Setup;
import org.openjdk.jmh.annotations.State;

/// The waiting room itself, without what looking for a place costs: so many tenants wait in one
/// tier, two requests each, of as many kinds as a search tries.
@State(Scope.Benchmark)
@BenchmarkMode(Mode.AverageTime)
@OutputTimeUnit(TimeUnit.NANOSECONDS)
public class Turn {
  private static final String MODEL = "llama-3.1-8b";
  private static final int INPUT_TOKENS = 500;
  private static final int OUTPUT_TOKENS = 16;

  /// Tenants that wait.
  @Param({"10", "100", "1000"})
  public int tenants;

  private record Request(int tenant, int kind) {}

  private String[] names = new String[0];
  private Integer[] kinds = new Integer[0];
  private WaitingRoom<Request> room = new WaitingRoom<>(settings());
  private int next;
  private int given = -1; // whose tenant has a place

  private final WaitingRoom.Places<Request> one =
      new WaitingRoom.Places<>() {
        @Override
        public Object kind(Request request) {
          return kinds[request.kind()];
        }

        @Override
        public FairQueue.Found find(Request request, ServiceTier rank) {
          if (given >= 0) {
            return FairQueue.Found.ENOUGH;
          }
          given = request.tenant();
          return FairQueue.Found.PLACE;
        }
      };

  private final WaitingRoom.Places<Request> none =
      new WaitingRoom.Places<>() {
        @Override
        public Object kind(Request request) {
          return kinds[request.kind()];
        }

        @Override
        public FairQueue.Found find(Request request, ServiceTier rank) {
          return FairQueue.Found.NOT_FOR_THIS;
        }
      };

  private static WaitingRoom.Settings settings() {
    WaitingRoom.Settings usual = WaitingRoom.Settings.USUAL;
    return new WaitingRoom.Settings(
        new FairQueue.Settings(10_000, 256, List.of(0.0, 0.0, 0.1, 0.02, 0.01)),
        usual.placeWaitMsMax(),
        usual.waitMsMax(),
        usual.tenantBytesMax());
  }

  /// Lets them all wait.
  @Setup(Level.Trial)
  public void prepare() {
    room = new WaitingRoom<>(settings());
    names = new String[tenants];
    kinds = new Integer[WaitingRoom.TRIES_MAX];
    for (int i = 0; i < kinds.length; i++) {
      kinds[i] = i;
    }
    for (int i = 0; i < tenants; i++) {
      names[i] = "tenant-" + i;
      enter(i);
      enter(i);
    }
  }

  private FairQueue.Offer enter(int tenant) {
    int kind = tenant % kinds.length;
    return room.enter(
        MODEL,
        ServiceTier.STANDARD,
        names[tenant],
        1 + tenant % 4,
        INPUT_TOKENS,
        1,
        new Request(tenant, kind));
  }

  /// The next one has its place, and another of the same tenant begins to wait.
  @Benchmark
  public FairQueue.Offer placed() {
    given = -1;
    if (room.serve(MODEL, one) != 1) {
      throw new IllegalStateException("nobody waits");
    }
    return enter(given);
  }

  /// A search that asks for all the places it may and finds none.
  @Benchmark
  public int inVain() {
    return room.serve(MODEL, none);
  }

  /// Sixteen tokens have been produced for somebody.
  @Benchmark
  public void produced() {
    next = next + 1 == tenants ? 0 : next + 1;
    room.produced(MODEL, ServiceTier.STANDARD, names[next], OUTPUT_TOKENS);
  }
}
