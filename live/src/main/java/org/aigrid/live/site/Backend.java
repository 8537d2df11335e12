package org.aigrid.live.site;

import io.netty.channel.ChannelHandlerContext;
import io.netty.handler.codec.http.FullHttpRequest;
import java.util.Set;
import org.aigrid.core.model.ServiceTier;
import org.aigrid.core.view.EndpointLoad;
import org.aigrid.live.engine.Engine;
import org.aigrid.live.wire.Replay;
import org.jspecify.annotations.Nullable;

/// What stands behind one endpoint of a site.
public sealed interface Backend extends AutoCloseable {
  /// How busy it is.
  EndpointLoad load();

  /// Whether it takes requests at all.
  boolean ready();

  /// Runs `changed` whenever `ready` has changed, on any thread.
  void onReadiness(Runnable changed);

  /// The radio beside it leaves it this share of its GPU from now on.
  void setShare(double share);

  @Override
  void close();

  /// An engine in this process, whose tokens the agent renders as the OpenAI API does.
  ///
  /// @param invents whether its text is invented: then tools and images do no harm
  record Local(Engine engine, boolean invents) implements Backend {
    @Override
    public EndpointLoad load() {
      return engine.load();
    }

    @Override
    public boolean ready() {
      return engine.ready();
    }

    @Override
    public void onReadiness(Runnable changed) {
      engine.onReadiness(changed);
    }

    @Override
    public void setShare(double share) {
      engine.setShare(share);
    }

    @Override
    public void close() {
      engine.close();
    }
  }

  /// A server that speaks the OpenAI API itself; bodies are passed through.
  record Remote(RemoteEngine engine) implements Backend {
    @Override
    public EndpointLoad load() {
      return engine.load();
    }

    @Override
    public boolean ready() {
      return true; // a server that is away answers each request so
    }

    @Override
    public void onReadiness(Runnable changed) {}

    @Override
    public void setShare(double share) {} // it feels what it is left

    @Override
    public void close() {
      engine.close();
    }
  }

  /// Relays whole requests to a server. Safe for many threads.
  interface RemoteEngine extends AutoCloseable {
    /// Answers on the context's channel, exactly once; owns the request. When the channel closes
    /// before the answer is complete, the server's work is cancelled.
    ///
    /// @param length of the client's part of the body
    /// @param replay what the client has had of the answer; null when it has had nothing
    /// @param tenant whose it is: the server's cache is not shared with others
    /// @param tier how urgent it is
    /// @param running where the request is listed while the server works on it
    void relay(
        ChannelHandlerContext context,
        FullHttpRequest request,
        String path,
        int length,
        @Nullable Replay replay,
        String tenant,
        ServiceTier tier,
        Set<RunningCall> running);

    EndpointLoad load();

    @Override
    void close();
  }
}
