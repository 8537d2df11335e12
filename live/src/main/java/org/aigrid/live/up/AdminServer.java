package org.aigrid.live.up;

import io.netty.bootstrap.ServerBootstrap;
import io.netty.buffer.ByteBuf;
import io.netty.buffer.ByteBufUtil;
import io.netty.channel.Channel;
import io.netty.channel.ChannelFutureListener;
import io.netty.channel.ChannelHandlerContext;
import io.netty.channel.ChannelInitializer;
import io.netty.channel.MultiThreadIoEventLoopGroup;
import io.netty.channel.SimpleChannelInboundHandler;
import io.netty.channel.nio.NioIoHandler;
import io.netty.channel.socket.SocketChannel;
import io.netty.channel.socket.nio.NioServerSocketChannel;
import io.netty.handler.codec.http.DefaultFullHttpResponse;
import io.netty.handler.codec.http.FullHttpRequest;
import io.netty.handler.codec.http.HttpHeaderNames;
import io.netty.handler.codec.http.HttpMethod;
import io.netty.handler.codec.http.HttpObjectAggregator;
import io.netty.handler.codec.http.HttpResponseStatus;
import io.netty.handler.codec.http.HttpServerCodec;
import io.netty.handler.codec.http.HttpVersion;
import io.netty.handler.codec.http.QueryStringDecoder;
import io.netty.handler.timeout.ReadTimeoutHandler;
import java.io.IOException;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.nio.charset.StandardCharsets;
import java.security.MessageDigest;
import java.time.DateTimeException;
import java.util.List;
import java.util.Locale;
import java.util.concurrent.ArrayBlockingQueue;
import java.util.concurrent.RejectedExecutionException;
import java.util.concurrent.ThreadPoolExecutor;
import java.util.concurrent.TimeUnit;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import org.aigrid.core.model.Tier;
import org.aigrid.live.books.BooksException;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;
import tools.jackson.core.JacksonException;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.ObjectMapper;
import tools.jackson.databind.node.ArrayNode;
import tools.jackson.databind.node.ObjectNode;

/// The admin endpoint of `grid up`: `GET /sites`, `GET /reclaims`, and `POST /sites/{id}/` with
/// `kill`, `drain`, `revive`, `mute`, `unmute`, or `surge/SHARE/MS` (the radio wants that much of
/// the GPU). `POST /callers/{session}/cell/{site}` is the operator's network's word that the caller
/// of a session is at that cell, with `?in-ms=N` that it will be in so many milliseconds, and with
/// `&tenant=T` whose session is meant where several tenants use one name.
///
/// `POST /books/ORDER` is about tenants, keys, prices, usage and administrators (`BooksApi`), where
/// there are books.
///
/// Listens on the loopback address only, and answers only requests that carry the header
/// `x-grid-admin`, which no web page can make a browser send here without asking first; where there
/// is a token, the header has to be that, or the token of a named administrator where there are
/// books, compared in constant time. Orders that change something are in the audit table, with the
/// administrator's name; with the grid's own token as `session/USER`, where USER is what the caller
/// calls itself. One connection per request. Orders of the books are carried out one after the
/// other, and so are all others, on a thread of their own: whoever waits for the database holds up
/// no order about a site. Of each `QUEUE_MAX` wait at most (then 503).
final class AdminServer implements AutoCloseable {
  /// The header without which nothing is answered.
  static final String HEADER = "x-grid-admin";

  /// Who gives the order, for the audit table; the token says that it may be given.
  static final String USER_HEADER = "x-grid-admin-user";

  private static final Logger log = LoggerFactory.getLogger(AdminServer.class);
  private static final int BODY_BYTES_MAX = 131_072;
  private static final String BOOKS = "/books/";
  private static final String SESSION = "session/"; // no administrator's name has a slash
  private static final int NAME_MAX = 128;
  private static final int QUEUE_MAX = 64;
  private static final int READ_TIMEOUT_S = 10;
  private static final Pattern ORDER =
      Pattern.compile(
          "/sites/([A-Za-z0-9._-]{1,63})/([a-z]+)(?:/([01](?:\\.[0-9]{1,6})?)/([0-9]{1,7}))?");
  private static final Pattern CALLER =
      Pattern.compile("/callers/([^/?]{1,400})/cell/([A-Za-z0-9._-]{1,63})(?:\\?.*)?");

  /// A prediction further ahead is none.
  static final long IN_MS_MAX = 600_000;

  private static final ObjectMapper JSON = new ObjectMapper();

  private final SiteControl control;
  private final byte @Nullable [] token;
  private final @Nullable BooksApi books;
  private final MultiThreadIoEventLoopGroup loop =
      new MultiThreadIoEventLoopGroup(1, NioIoHandler.newFactory());
  private final ThreadPoolExecutor orders = oneByOne("admin");
  private final ThreadPoolExecutor booksOrders = oneByOne("admin-books");
  private final Channel server;

  private AdminServer(
      SiteControl control, int port, @Nullable String token, @Nullable BooksApi books)
      throws IOException {
    this.control = control;
    this.token = token == null ? null : token.getBytes(StandardCharsets.UTF_8);
    this.books = books;
    var address = new InetSocketAddress(InetAddress.getLoopbackAddress(), port);
    var binding =
        new ServerBootstrap()
            .group(loop)
            .channel(NioServerSocketChannel.class)
            .childHandler(
                new ChannelInitializer<SocketChannel>() {
                  @Override
                  protected void initChannel(SocketChannel channel) {
                    channel
                        .pipeline()
                        .addLast(new ReadTimeoutHandler(READ_TIMEOUT_S))
                        .addLast(new HttpServerCodec())
                        .addLast(new HttpObjectAggregator(BODY_BYTES_MAX))
                        .addLast(new Handler());
                  }
                })
            .bind(address)
            .awaitUninterruptibly();
    if (!binding.isSuccess()) {
      loop.shutdownGracefully(0, 0, TimeUnit.SECONDS);
      orders.shutdownNow();
      booksOrders.shutdownNow();
      throw new IOException("port " + port + ": " + binding.cause().getMessage(), binding.cause());
    }
    server = binding.channel();
  }

  private static ThreadPoolExecutor oneByOne(String name) {
    return new ThreadPoolExecutor(
        1,
        1,
        0,
        TimeUnit.SECONDS,
        new ArrayBlockingQueue<>(QUEUE_MAX),
        Thread.ofPlatform().daemon().name(name).factory());
  }

  /// Begins to listen; port 0 lets the machine choose.
  static AdminServer start(SiteControl control, int port) throws IOException {
    return start(control, port, null, null);
  }

  /// As above, with a token that every request has to carry, and books.
  static AdminServer start(
      SiteControl control, int port, @Nullable String token, @Nullable BooksApi books)
      throws IOException {
    return new AdminServer(control, port, token, books);
  }

  int port() {
    return ((InetSocketAddress) server.localAddress()).getPort();
  }

  @Override
  public void close() {
    server.close().awaitUninterruptibly();
    orders.shutdownNow();
    booksOrders.shutdownNow();
    loop.shutdownGracefully(0, 1, TimeUnit.SECONDS);
  }

  private final class Handler extends SimpleChannelInboundHandler<FullHttpRequest> {
    @Override
    protected void channelRead0(ChannelHandlerContext context, FullHttpRequest request) {
      String path = request.uri();
      HttpMethod method = request.method();
      String who =
          administrator(
              request.headers().get(HEADER), request.headers().get(USER_HEADER, "unnamed"));
      String body = request.content().toString(StandardCharsets.UTF_8);
      try {
        (path.startsWith(BOOKS) ? booksOrders : orders)
            .execute(
                () -> answer(context, who != null ? reply(method, path, body, who) : forbidden()));
      } catch (RejectedExecutionException e) {
        answer(context, new Reply(503, message("busy", "too many orders wait; try again")));
      }
    }

    @Override
    public void exceptionCaught(ChannelHandlerContext context, Throwable cause) {
      context.close();
    }
  }

  /// Who gives the order, for the audit; null for somebody who may not.
  ///
  /// @param claimed what the caller calls itself; the name of a named token is no claim
  private @Nullable String administrator(@Nullable String presented, String claimed) {
    if (presented == null) {
      return null;
    }
    byte[] wanted = token;
    if (wanted == null
        || MessageDigest.isEqual(wanted, presented.getBytes(StandardCharsets.UTF_8))) {
      return SESSION + claimed.substring(0, Math.min(NAME_MAX, claimed.length()));
    }
    return books == null ? null : books.administrator(presented);
  }

  private record Reply(int status, String json) {}

  private static Reply forbidden() {
    return new Reply(
        403,
        message(
            "forbidden",
            "send the header "
                + HEADER
                + ": TOKEN (expected: the admin token of this grid, from .grid/up.json or"
                + " $GRID_ADMIN_TOKEN; 1 where it has none)"));
  }

  private Reply reply(HttpMethod method, String path, String body, String who) {
    try {
      if (path.startsWith(BOOKS)) {
        return books(method, path.substring(BOOKS.length()), body, who);
      }
      if (path.equals("/sites")) {
        return method.equals(HttpMethod.GET) ? new Reply(200, json(control.sites())) : useOf(path);
      }
      if (path.equals("/reclaims")) {
        return method.equals(HttpMethod.GET) ? new Reply(200, reclaims()) : useOf(path);
      }
      Matcher caller = CALLER.matcher(path);
      if (caller.matches()) {
        return method.equals(HttpMethod.POST) ? caller(caller, path, who) : useOf(path);
      }
      Matcher order = ORDER.matcher(path);
      if (!order.matches()) {
        return new Reply(404, message("not_found", "no " + path));
      }
      if (!method.equals(HttpMethod.POST)) {
        return useOf(path);
      }
      String site = order.group(1);
      boolean known =
          switch (order.group(2)) {
            case "kill" -> control.kill(site);
            case "drain" -> control.drain(site);
            case "revive" -> control.revive(site);
            case "mute" -> control.mute(site, true);
            case "unmute" -> control.mute(site, false);
            case "surge" -> {
              if (order.group(3) == null) {
                throw new IllegalArgumentException("surge how much? (expected: surge/0.9/2000)");
              }
              yield control.surge(
                  site, Double.parseDouble(order.group(3)), Long.parseLong(order.group(4)));
            }
            default -> throw new IllegalArgumentException("no order '" + order.group(2) + "'");
          };
      if (!known) {
        return new Reply(404, message("not_found", "no site '" + site + "'"));
      }
      did(
          who,
          "site." + order.group(2),
          site,
          order.group(3) == null ? "" : order.group(3) + " for " + order.group(4) + " ms");
      return new Reply(200, json(control.sites()));
    } catch (IllegalArgumentException e) {
      return new Reply(404, message("not_found", String.valueOf(e.getMessage())));
    } catch (RuntimeException e) {
      log.error("{} {} failed", method, path, e);
      return new Reply(500, message("failed", String.valueOf(e.getMessage())));
    }
  }

  private Reply books(HttpMethod method, String order, String body, String who) {
    BooksApi api = books;
    if (api == null) {
      return new Reply(
          404, message("no_books", "this grid keeps no books (start it with --data DIR)"));
    }
    if (!method.equals(HttpMethod.POST)) {
      return useOf(BOOKS + order);
    }
    try {
      return new Reply(200, api.order(order, body, who));
    } catch (BooksException | IllegalArgumentException | DateTimeException e) {
      return new Reply(400, message("bad_request", String.valueOf(e.getMessage())));
    } catch (JacksonException e) {
      return new Reply(400, message("bad_request", "the body is no JSON object"));
    }
  }

  private void did(String who, String action, String site, String detail) {
    if (books != null) {
      books.did(who, action, site, detail);
    }
  }

  private Reply caller(Matcher parts, String path, String who) {
    var query = new QueryStringDecoder(path).parameters();
    String tenant = query.containsKey("tenant") ? query.get("tenant").getFirst() : null;
    String session = QueryStringDecoder.decodeComponent(parts.group(1));
    String site = parts.group(2);
    String inMs = query.containsKey("in-ms") ? query.get("in-ms").getFirst() : "0";
    if (!inMs.matches("[0-9]{1,6}") || Long.parseLong(inMs) > IN_MS_MAX) {
      return new Reply(
          400, message("bad_request", "in-ms: " + inMs + " (expected: 0 to " + IN_MS_MAX + ")"));
    }
    return switch (control.callerNoticed(tenant, session, site, Long.parseLong(inMs))) {
      case TAKEN -> {
        did(who, BooksApi.CALLER_MOVED, site, tenant == null ? "" : "of " + tenant);
        yield new Reply(
            200,
            JSON.createObjectNode()
                .put("session", session)
                .put("cell", site)
                .put("inMs", Long.parseLong(inMs))
                .toString());
      }
      case NO_SITE -> new Reply(404, message("not_found", "no site '" + site + "'"));
      case NO_SESSION ->
          new Reply(
              404,
              message(
                  "not_found",
                  "no session '"
                      + session
                      + "' has had a turn lately (expected: the prompt_cache_key of a request, or"
                      + " its x-grid-session)"));
      case SEVERAL_TENANTS ->
          new Reply(
              409,
              message(
                  "several_tenants",
                  "several tenants have a session '" + session + "': say" + " which (tenant=)"));
    };
  }

  private String reclaims() {
    ObjectNode root = JSON.createObjectNode();
    ArrayNode all = root.putArray("reclaims");
    control
        .reclaims()
        .forEach(
            (site, records) ->
                records.forEach(
                    record ->
                        all.addObject()
                            .put("site", site)
                            .put("claimedAtMs", record.claimedAtMs())
                            .put("demand", record.demand())
                            .put("closedAfterMs", record.closedAfterMs())
                            .put("goneAfterMs", record.goneAfterMs())
                            .put("revoked", record.revoked())
                            .put("unconfirmed", record.unconfirmed())
                            .put("lostTokens", record.lostTokens())
                            .put("missedMs", record.missedMs())
                            .put("open", record.open())));
    return root.toString();
  }

  private static Reply useOf(String path) {
    return new Reply(
        405, message("method_not_allowed", path + " (expected: GET /sites, POST an order)"));
  }

  private static void answer(ChannelHandlerContext context, Reply reply) {
    ByteBuf body = ByteBufUtil.writeUtf8(context.alloc(), reply.json());
    var response =
        new DefaultFullHttpResponse(
            HttpVersion.HTTP_1_1, HttpResponseStatus.valueOf(reply.status()), body);
    response.headers().set(HttpHeaderNames.CONTENT_TYPE, "application/json");
    response.headers().setInt(HttpHeaderNames.CONTENT_LENGTH, body.readableBytes());
    response.headers().set(HttpHeaderNames.CONNECTION, "close");
    context.writeAndFlush(response).addListener(ChannelFutureListener.CLOSE);
  }

  private static String message(String code, String text) {
    ObjectNode root = JSON.createObjectNode();
    root.putObject("error").put("code", code).put("message", text);
    return root.toString();
  }

  static String json(List<SiteState> sites) {
    ObjectNode root = JSON.createObjectNode();
    ArrayNode all = root.putArray("sites");
    for (SiteState site : sites) {
      ObjectNode one = all.addObject();
      one.put("id", site.id());
      one.put("name", site.name());
      one.put("tier", site.tier().name().toLowerCase(Locale.ROOT));
      one.put("region", site.region());
      one.put("state", site.state().name().toLowerCase(Locale.ROOT));
      one.put("leaseMs", site.leaseMs());
      one.put("address", site.address());
      one.put("radio", site.radio());
      one.put("aiShare", site.aiShare());
      one.put("reclaims", site.reclaims());
      one.put("muted", site.muted());
      ArrayNode endpoints = one.putArray("endpoints");
      for (SiteState.EndpointState endpoint : site.endpoints()) {
        endpoints
            .addObject()
            .put("model", endpoint.model())
            .put("engine", endpoint.engine())
            .put("running", endpoint.running())
            .put("waiting", endpoint.waiting())
            .put("queuedTokens", endpoint.queuedTokens())
            .put("contextTokens", endpoint.contextTokens());
      }
    }
    return root.toString();
  }

  /// The inverse of `json`, for the command line.
  static List<SiteState> parse(String text) {
    return JSON.readTree(text).path("sites").valueStream().map(AdminServer::site).toList();
  }

  private static SiteState site(JsonNode node) {
    return new SiteState(
        node.path("id").asString(""),
        node.path("name").asString(""),
        Tier.valueOf(node.path("tier").asString("").toUpperCase(Locale.ROOT)),
        node.path("region").asString(""),
        SiteState.Condition.valueOf(node.path("state").asString("").toUpperCase(Locale.ROOT)),
        node.path("leaseMs").asLong(0),
        node.path("address").asString(""),
        node.path("radio").asDouble(-1),
        node.path("aiShare").asDouble(1),
        node.path("reclaims").asLong(0),
        node.path("muted").asBoolean(false),
        node.path("endpoints")
            .valueStream()
            .map(
                endpoint ->
                    new SiteState.EndpointState(
                        endpoint.path("model").asString(""),
                        endpoint.path("engine").asString(""),
                        endpoint.path("running").asInt(0),
                        endpoint.path("waiting").asInt(0),
                        endpoint.path("queuedTokens").asInt(0),
                        endpoint.path("contextTokens").asInt(0)))
            .toList());
  }
}
