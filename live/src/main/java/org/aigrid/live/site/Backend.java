package org.aigrid.live.site;

import io.netty.channel.ChannelHandlerContext;
import io.netty.handler.codec.http.FullHttpRequest;
import org.aigrid.core.view.EndpointLoad;
import org.aigrid.live.engine.Engine;

/// What stands behind one endpoint of a site.
public sealed interface Backend extends AutoCloseable {
  /// How busy it is.
  EndpointLoad load();

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
    public void close() {
      engine.close();
    }
  }

  /// Relays whole requests to a server. Safe for many threads.
  interface RemoteEngine extends AutoCloseable {
    /// Answers on the context's channel, exactly once; owns the request. When the channel closes
    /// before the answer is complete, the server's work is cancelled.
    void relay(ChannelHandlerContext context, FullHttpRequest request, String path);

    EndpointLoad load();

    @Override
    void close();
  }
}
