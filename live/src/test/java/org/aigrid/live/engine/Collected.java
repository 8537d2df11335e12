package org.aigrid.live.engine;

import java.util.List;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.concurrent.TimeUnit;
import java.util.stream.IntStream;
import org.jspecify.annotations.Nullable;

/// A sink that remembers what it heard.
final class Collected implements TokenSink {
  final StringBuffer text = new StringBuffer();
  final CompletableFuture<Object> end = new CompletableFuture<>();
  final List<Integer> ids = new CopyOnWriteArrayList<>();
  volatile int pieces;
  volatile int cached = -1;
  volatile long firstNanos;
  volatile long lastNanos;
  volatile @Nullable FinishReason reason;

  @Override
  public void onStart(int promptTokens, int cachedTokens) {
    cached = cachedTokens;
    firstNanos = System.nanoTime();
  }

  @Override
  @SuppressWarnings("NonAtomicVolatileUpdate") // one thread calls
  public void onText(String piece, int tokens, int @Nullable [] which) {
    text.append(piece);
    if (which != null) {
      IntStream.of(which).forEach(ids::add);
    }
    pieces += tokens;
  }

  @Override
  public void onEnd(FinishReason finish, Usage usage) {
    reason = finish;
    lastNanos = System.nanoTime();
    end.complete(usage);
  }

  @Override
  public void onError(EngineFailure failure) {
    end.complete(failure);
  }

  Usage usage() throws Exception {
    Object got = end.get(60, TimeUnit.SECONDS);
    if (got instanceof Usage usage) {
      return usage;
    }
    throw new AssertionError("the generation failed: " + got);
  }

  EngineFailure failure() throws Exception {
    return (EngineFailure) end.get(60, TimeUnit.SECONDS);
  }
}
