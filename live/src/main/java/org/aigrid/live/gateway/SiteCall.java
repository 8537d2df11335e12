package org.aigrid.live.gateway;

import io.netty.buffer.ByteBuf;
import io.netty.buffer.CompositeByteBuf;
import io.netty.handler.codec.http.FullHttpRequest;
import io.netty.handler.codec.http.HttpContent;
import io.netty.handler.codec.http.HttpResponse;
import io.netty.util.ReferenceCountUtil;
import io.netty.util.concurrent.ScheduledFuture;
import org.aigrid.core.load.InFlight;
import org.aigrid.core.model.SiteSpec;
import org.aigrid.core.route.Explanation;
import org.aigrid.core.route.Route;
import org.jspecify.annotations.Nullable;

/// One attempt of a request at one site: its connection, its charge, its clocks. What the site says
/// goes to the exchange with the attempt's number. On the client's event loop.
final class SiteCall implements Upstreams.Listener {
  /// Who hears what a site answers.
  interface Listener {
    void head(SiteCall from, HttpResponse head);

    /// Owns the content.
    void content(SiteCall from, HttpContent content);

    /// @param anyByte whether anything of an answer had come
    void lost(SiteCall from, boolean anyByte);

    void readComplete();
  }

  final int attempt;
  final Route.Placed placed;
  final SiteSpec site;
  final boolean continues;
  private final Listener listener;
  private final Dispatch dispatch;
  private long lease;
  private Upstreams.@Nullable Upstream upstream;
  private @Nullable FullHttpRequest resendable;
  private @Nullable Runnable resend;
  private @Nullable ScheduledFuture<?> patience;
  private @Nullable ScheduledFuture<?> hedging;
  private @Nullable ScheduledFuture<?> prompt;

  @Nullable Explanation explanation; // why it runs there
  @Nullable HttpResponse head;
  private @Nullable CompositeByteBuf whole; // of an answer that is not streamed
  private boolean anyContent;
  long lastByteNanos;

  /// @param continues whether it goes on with a stream that another site began
  SiteCall(
      int attempt,
      Route.Placed placed,
      SiteSpec site,
      long lease,
      boolean continues,
      Dispatch dispatch,
      Listener listener) {
    this.attempt = attempt;
    this.placed = placed;
    this.site = site;
    this.lease = lease;
    this.continues = continues;
    this.dispatch = dispatch;
    this.listener = listener;
    lastByteNanos = System.nanoTime();
  }

  /// Sends the request; owns it.
  ///
  /// @param again sends another copy on a new connection
  void send(Upstreams by, org.aigrid.live.control.SiteAddress to, FullHttpRequest request) {
    resendable = request.retainedDuplicate();
    resend =
        () -> {
          FullHttpRequest copy = resendable;
          resendable = null;
          resend = null;
          if (copy != null) {
            upstream = by.send(to, copy, false, this);
          }
        };
    upstream = by.send(to, request, true, this);
  }

  /// An answer that comes whole shows no first token: its prompt counts as computed then.
  void watchPrompt(ScheduledFuture<?> computed) {
    prompt = computed;
  }

  /// The timers that end with the attempt.
  void watch(@Nullable ScheduledFuture<?> newPatience, @Nullable ScheduledFuture<?> newHedging) {
    patience = newPatience;
    hedging = newHedging;
  }

  /// A new clock in place of the last.
  void patience(ScheduledFuture<?> other) {
    stopClocks();
    patience = other;
  }

  void stopClocks() {
    if (patience != null) {
      patience.cancel(false);
      patience = null;
    }
    if (hedging != null) {
      hedging.cancel(false);
      hedging = null;
    }
    if (prompt != null) {
      prompt.cancel(false);
      prompt = null;
    }
  }

  /// Stops or resumes reading, as the client can take it.
  void read(boolean on) {
    if (upstream != null) {
      upstream.read(on);
    }
  }

  /// The prompt has been computed.
  void firstToken() {
    dispatch.firstToken(lease);
  }

  /// Keeps a part of an answer until it is whole; false beyond the bound. Owns the bytes.
  boolean keep(ByteBuf bytes, int bytesMax) {
    CompositeByteBuf all = whole;
    if (all == null) {
      all = bytes.alloc().compositeBuffer(256);
      whole = all;
    }
    all.addComponent(true, bytes);
    return all.readableBytes() <= bytesMax;
  }

  /// What was kept, to be released by the caller; null when nothing was.
  @Nullable ByteBuf kept() {
    ByteBuf all = whole;
    whole = null;
    return all;
  }

  /// Ends it, however it stands: closes the connection, releases the charge. Further calls do
  /// nothing.
  void end() {
    stopClocks();
    Upstreams.Upstream open = upstream;
    upstream = null;
    if (open != null) {
      open.abandon();
    }
    if (lease != InFlight.NONE) {
      dispatch.end(lease);
      lease = InFlight.NONE;
    }
    ReferenceCountUtil.release(resendable);
    resendable = null;
    resend = null;
    ReferenceCountUtil.release(whole);
    whole = null;
  }

  @Override
  public void head(Upstreams.Upstream from, HttpResponse answer) {
    if (from == upstream) {
      ReferenceCountUtil.release(resendable);
      resendable = null;
      resend = null;
      listener.head(this, answer);
    }
  }

  @Override
  public void content(Upstreams.Upstream from, HttpContent content) {
    if (from != upstream) {
      content.release();
      return;
    }
    if (content instanceof io.netty.handler.codec.http.LastHttpContent) {
      upstream = null;
    }
    anyContent |= content.content().isReadable();
    lastByteNanos = System.nanoTime();
    listener.content(this, content);
  }

  @Override
  public void failed(Upstreams.Upstream from, boolean fresh, boolean anyByte) {
    if (from != upstream) {
      return;
    }
    upstream = null;
    Runnable again = resend;
    if (!fresh && !anyByte && again != null) {
      again.run();
    } else {
      listener.lost(this, anyContent);
    }
  }

  @Override
  public void readComplete() {
    listener.readComplete();
  }
}
