package org.aigrid.live.gateway;

import io.netty.channel.ChannelHandlerContext;
import io.netty.channel.ChannelInboundHandlerAdapter;
import io.netty.handler.codec.http.FullHttpRequest;
import io.netty.handler.codec.http.HttpHeaderNames;
import io.netty.handler.codec.http.HttpMethod;
import io.netty.handler.codec.http.QueryStringDecoder;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.nio.charset.StandardCharsets;
import org.aigrid.core.view.GridView;
import org.aigrid.core.view.Roster;
import org.aigrid.live.wire.ApiError;
import org.aigrid.live.wire.GridHeaders;
import org.jspecify.annotations.Nullable;

/// The gateway on one connection or stream: finds what a request asks for, and hands those that go
/// to a site to an `Exchange`. On the channel's event loop.
final class GatewayHandler extends ChannelInboundHandlerAdapter {
  private static final int CLIENT_REQUEST_ID_CHARS_MAX = 512;

  private final Gateway gateway;
  private @Nullable Exchange exchange;

  GatewayHandler(Gateway gateway) {
    this.gateway = gateway;
  }

  @Override
  public void channelRead(ChannelHandlerContext context, Object message) {
    if (!(message instanceof FullHttpRequest request)) {
      context.fireChannelRead(message);
      return;
    }
    String requestId = gateway.ids().next();
    boolean taken = false;
    try {
      taken = answer(context, request, requestId);
    } finally {
      if (!taken) {
        request.release();
      }
    }
  }

  /// True when the request went on to a site and is owned by its exchange.
  private boolean answer(ChannelHandlerContext context, FullHttpRequest request, String requestId) {
    String path = pathOf(request.uri());
    switch (path) {
      case "/healthz" -> text(context, 200, "text/plain; charset=utf-8", "ok\n", requestId);
      case "/readyz" -> ready(context, requestId);
      case "/metrics" -> metrics(context, requestId);
      case "/v1/chat/completions", "/v1/completions", "/v1/embeddings", "/v1/responses" -> {
        return generate(context, request, requestId, path);
      }
      default -> other(context, request, requestId, path);
    }
    return false;
  }

  private boolean generate(
      ChannelHandlerContext context, FullHttpRequest request, String requestId, String path) {
    if (!request.method().equals(HttpMethod.POST)) {
      methodNotAllowed(context, request, requestId, "POST");
      return false;
    }
    KeyEntry key = authenticated(context, request, requestId);
    if (key == null) {
      return false;
    }
    String clientRequestId = request.headers().get(GridHeaders.CLIENT_REQUEST_ID);
    if (clientRequestId != null && !plainAscii(clientRequestId)) {
      error(
          context,
          ApiError.badRequest(
              "X-Client-Request-Id is not plain ASCII of at most "
                  + CLIENT_REQUEST_ID_CHARS_MAX
                  + " characters."),
          requestId);
      return false;
    }
    var begun = new Exchange(gateway, context, request, requestId, path, key, callerOf(context));
    exchange = begun;
    begun.begin();
    return true;
  }

  private void other(
      ChannelHandlerContext context, FullHttpRequest request, String requestId, String path) {
    if (path.equals("/v1/models") || path.startsWith("/v1/models/")) {
      if (!request.method().equals(HttpMethod.GET)) {
        methodNotAllowed(context, request, requestId, "GET");
      } else if (authenticated(context, request, requestId) != null) {
        models(context, requestId, path);
      }
    } else if (path.equals(UsageEndpoint.PATH)) {
      usage(context, request, requestId);
    } else if (path.startsWith("/v1/responses/")) {
      if (authenticated(context, request, requestId) != null) {
        error(
            context,
            ApiError.invalid(
                404,
                "Responses are not stored: the grid keeps no prompt and no answer.",
                "response_id",
                "response_not_found"),
            requestId);
      }
    } else {
      error(
          context,
          ApiError.invalid(
              404,
              "Unknown path (expected: /v1/chat/completions, /v1/completions, /v1/embeddings,"
                  + " /v1/responses, /v1/models or /v1/usage).",
              null,
              "unknown_url"),
          requestId);
    }
  }

  private void usage(ChannelHandlerContext context, FullHttpRequest request, String requestId) {
    if (!request.method().equals(HttpMethod.GET)) {
      methodNotAllowed(context, request, requestId, "GET");
      return;
    }
    KeyEntry key = authenticated(context, request, requestId);
    if (key != null) {
      UsageEndpoint.answer(gateway.tenancy(), key, context, request, requestId);
    }
  }

  private void models(ChannelHandlerContext context, String requestId, String path) {
    Roster roster = gateway.grid().view().roster();
    String wanted = path.length() > "/v1/models/".length() ? decoded(path.substring(11)) : null;
    if (wanted != null) {
      int model = roster.indexOfModel(wanted);
      if (model < 0 || roster.endpointCountOfModel(model) == 0) {
        error(context, ApiError.modelNotFound(wanted), requestId);
        return;
      }
      text(context, 200, "application/json", modelObject(wanted), requestId);
      return;
    }
    var list = new StringBuilder("{\"object\":\"list\",\"data\":[");
    String separator = "";
    for (int model = 0; model < roster.modelCount(); model++) {
      if (roster.endpointCountOfModel(model) > 0) {
        list.append(separator).append(modelObject(roster.modelSpec(model).name()));
        separator = ",";
      }
    }
    text(context, 200, "application/json", list.append("]}").toString(), requestId);
  }

  /// SDKs escape the slash of `organisation/model`.
  private static String decoded(String segment) {
    try {
      return QueryStringDecoder.decodeComponent(segment);
    } catch (IllegalArgumentException e) {
      return segment; // then no model has this name
    }
  }

  private String modelObject(String name) {
    var escaped = new StringBuilder(name.length());
    for (int i = 0; i < name.length(); i++) {
      char c = name.charAt(i);
      if (c == '"' || c == '\\') {
        escaped.append('\\');
      }
      escaped.append(c);
    }
    return "{\"id\":\""
        + escaped
        + "\",\"object\":\"model\",\"created\":"
        + gateway.startedSeconds()
        + ",\"owned_by\":\"ai-grid\"}";
  }

  private void ready(ChannelHandlerContext context, String requestId) {
    boolean ready = !gateway.draining() && anyLeaseFresh();
    text(
        context,
        ready ? 200 : 503,
        "text/plain; charset=utf-8",
        ready ? "ready\n" : gateway.draining() ? "draining\n" : "no site has a fresh lease\n",
        requestId);
  }

  /// Metrics name tenants and what they used: not for everybody who can reach the API.
  private void metrics(ChannelHandlerContext context, String requestId) {
    InetAddress caller = callerOf(context);
    if (caller != null && (caller.isLoopbackAddress() || gateway.places().trusts(caller))) {
      text(
          context,
          200,
          "text/plain; version=0.0.4; charset=utf-8",
          gateway.metrics().scrape(),
          requestId);
    } else {
      text(
          context,
          403,
          "text/plain; charset=utf-8",
          "Metrics are shown on loopback and to the topology's trusted-networks only.\n",
          requestId);
    }
  }

  private boolean anyLeaseFresh() {
    GridView view = gateway.grid().view();
    long nowMs = gateway.grid().nowMs();
    for (int site = 0; site < view.roster().siteCount(); site++) {
      if (view.leaseFresh(site, nowMs)) {
        return true;
      }
    }
    return false;
  }

  private @Nullable KeyEntry authenticated(
      ChannelHandlerContext context, FullHttpRequest request, String requestId) {
    String header = request.headers().get(HttpHeaderNames.AUTHORIZATION);
    if (header == null) {
      error(
          context,
          ApiError.unauthorized(
              "You didn't provide an API key (expected: Authorization: Bearer YOUR_KEY)."),
          requestId);
      return null;
    }
    KeyEntry key =
        header.regionMatches(true, 0, "Bearer ", 0, 7)
            ? gateway.find(header.substring(7).strip())
            : null;
    if (key == null) {
      error(context, ApiError.unauthorized("Incorrect API key provided."), requestId);
    }
    return key;
  }

  private void methodNotAllowed(
      ChannelHandlerContext context, FullHttpRequest request, String requestId, String allowed) {
    var response =
        Answers.error(
            ApiError.invalid(
                405,
                request.method() + " is not allowed here (expected: " + allowed + ").",
                null,
                null),
            requestId,
            0);
    response.headers().set(HttpHeaderNames.ALLOW, allowed);
    context.writeAndFlush(response);
  }

  private static void error(ChannelHandlerContext context, ApiError error, String requestId) {
    context.writeAndFlush(Answers.error(error, requestId, 0));
  }

  private static void text(
      ChannelHandlerContext context, int status, String type, String body, String requestId) {
    context.writeAndFlush(
        Answers.text(status, type, body.getBytes(StandardCharsets.UTF_8), requestId, 0));
  }

  private static String pathOf(String uri) {
    int from = 0;
    if (!uri.startsWith("/")) { // absolute form
      int scheme = uri.indexOf("://");
      int slash = scheme < 0 ? -1 : uri.indexOf('/', scheme + 3);
      from = slash < 0 ? uri.length() : slash;
    }
    int query = uri.indexOf('?', from);
    return query < 0 ? uri.substring(from) : uri.substring(from, query);
  }

  private static @Nullable InetAddress callerOf(ChannelHandlerContext context) {
    var channel =
        context.channel().parent() instanceof io.netty.channel.socket.SocketChannel parent
            ? parent
            : context.channel();
    return channel.remoteAddress() instanceof InetSocketAddress address
        ? address.getAddress()
        : null;
  }

  private static boolean plainAscii(String text) {
    if (text.length() > CLIENT_REQUEST_ID_CHARS_MAX) {
      return false;
    }
    for (int i = 0; i < text.length(); i++) {
      if (text.charAt(i) < 0x20 || text.charAt(i) > 0x7e) {
        return false;
      }
    }
    return true;
  }

  @Override
  public void channelInactive(ChannelHandlerContext context) {
    Exchange open = exchange;
    exchange = null;
    if (open != null) {
      open.clientGone();
    }
    context.fireChannelInactive();
  }

  @Override
  public void channelWritabilityChanged(ChannelHandlerContext context) {
    if (exchange != null) {
      exchange.writable(context.channel().isWritable());
    }
    context.fireChannelWritabilityChanged();
  }

  @Override
  public void exceptionCaught(ChannelHandlerContext context, Throwable cause) {
    org.slf4j.LoggerFactory.getLogger(GatewayHandler.class)
        .warn("connection closed after {}", cause.toString());
    context.close();
  }
}
