package org.aigrid.live.gateway;

import java.util.List;
import org.aigrid.core.admit.WaitingRoom;
import org.aigrid.core.load.PrefixIndexSettings;
import org.aigrid.core.node.AttemptSettings;
import org.aigrid.core.node.HandoverSettings;
import org.aigrid.core.route.RouterSettings;
import org.aigrid.live.http.HttpSettings;
import org.aigrid.live.topology.AddressPrefix;
import org.aigrid.live.topology.Topology.CallerPlace;

/// How a gateway behaves; every bound has a name. Immutable.
///
/// @param http where it listens and the bounds of requests
/// @param siteToken the secret with which it signs its orders to site agents (`WorkOrder`)
/// @param homeSite id of the site that callers of unknown place are taken to stand at
/// @param trustedNetworks networks whose `x-grid-cell` header is believed
/// @param callers where callers stand by address; the longest prefix wins
/// @param router how it weighs places
/// @param waiting what becomes of requests that find no place
/// @param attempts how often and how long it tries
/// @param handover what a caller's moves may set off
/// @param sessions how much it remembers of conversations
/// @param prefixes how much it remembers of prompts
/// @param requestsMax requests under way; beyond: 503
/// @param upstreamConnectMsMax to open a connection to a site
/// @param upstreamIdlePerSite idle connections kept per event loop and site; more are closed
/// @param upstreamIdleMsMax an idle connection older than this is not used again
/// @param answerBytesMax of an answer that is not streamed, kept until it is whole so that its site
///   may still fail; a longer one is passed on as it comes
/// @param frameBytesMax one SSE frame of a site; beyond: the stream is broken
/// @param deadlineMsDefault how long a client that does not say waits for its first byte
/// @param retryShare retries per request
/// @param hedgeShare requests near their deadline that may be sent twice, as a share of all
/// @param retryReserve retries saved up at most: enough for all requests of a busy site that dies
/// @param seed of the router's draws
/// @param tellMoves whether a stream that goes on elsewhere says so in a comment line, which
///   readers of server-sent events skip
/// @param accessLog whether each request writes a line to the logger `access`
public record GatewaySettings(
    HttpSettings http,
    String siteToken,
    String homeSite,
    List<AddressPrefix> trustedNetworks,
    List<CallerPlace> callers,
    RouterSettings router,
    WaitingRoom.Settings waiting,
    AttemptSettings attempts,
    HandoverSettings handover,
    SessionLimits sessions,
    PrefixIndexSettings prefixes,
    int requestsMax,
    int upstreamConnectMsMax,
    int upstreamIdlePerSite,
    int upstreamIdleMsMax,
    int answerBytesMax,
    int frameBytesMax,
    int deadlineMsDefault,
    double retryShare,
    double hedgeShare,
    int retryReserve,
    long seed,
    boolean tellMoves,
    boolean accessLog) {
  public GatewaySettings {
    trustedNetworks = List.copyOf(trustedNetworks);
    callers = List.copyOf(callers);
    if (siteToken.isBlank()) {
      throw new IllegalArgumentException("siteToken is blank (expected: a secret)");
    }
    if (requestsMax < 1
        || upstreamConnectMsMax < 1
        || upstreamIdlePerSite < 0
        || upstreamIdleMsMax < 0
        || frameBytesMax < 1_024
        || deadlineMsDefault < 1) {
      throw new IllegalArgumentException(
          "gateway bounds: requestsMax "
              + requestsMax
              + ", upstreamConnectMsMax "
              + upstreamConnectMsMax
              + ", upstreamIdlePerSite "
              + upstreamIdlePerSite
              + ", upstreamIdleMsMax "
              + upstreamIdleMsMax
              + ", frameBytesMax "
              + frameBytesMax
              + ", deadlineMsDefault "
              + deadlineMsDefault
              + " (expected: 1 or more, idle 0 or more, frames at least 1024)");
    }
  }

  /// The usual bounds.
  public static GatewaySettings of(HttpSettings http, String siteToken, String homeSite) {
    return new GatewaySettings(
        http,
        siteToken,
        homeSite,
        List.of(),
        List.of(),
        RouterSettings.DEFAULT,
        WaitingRoom.Settings.USUAL,
        AttemptSettings.DEFAULT,
        HandoverSettings.DEFAULT,
        SessionLimits.DEFAULT,
        PrefixIndexSettings.DEFAULT,
        65_536,
        1_000,
        256,
        30_000,
        1 << 20,
        4 << 20,
        600_000,
        0.1,
        0.02,
        1_024,
        1,
        true,
        true);
  }

  /// These settings with what a topology says of callers.
  public GatewaySettings withCallers(List<AddressPrefix> trusted, List<CallerPlace> places) {
    var copy = new Copy(this);
    copy.trustedNetworks = trusted;
    copy.callers = places;
    return copy.settings();
  }

  /// These settings with other bounds of attempts.
  public GatewaySettings withAttempts(AttemptSettings newAttempts) {
    var copy = new Copy(this);
    copy.attempts = newAttempts;
    return copy.settings();
  }

  /// These settings with other bounds of handover.
  public GatewaySettings withHandover(HandoverSettings newHandover) {
    var copy = new Copy(this);
    copy.handover = newHandover;
    return copy.settings();
  }

  /// These settings with another memory of conversations.
  public GatewaySettings withSessions(SessionLimits newSessions) {
    var copy = new Copy(this);
    copy.sessions = newSessions;
    return copy.settings();
  }

  /// These settings with another router.
  public GatewaySettings withRouter(RouterSettings newRouter) {
    var copy = new Copy(this);
    copy.router = newRouter;
    return copy.settings();
  }

  /// These settings with other bounds of waiting.
  public GatewaySettings withWaiting(WaitingRoom.Settings newWaiting) {
    var copy = new Copy(this);
    copy.waiting = newWaiting;
    return copy.settings();
  }

  /// These settings with or without an access log.
  public GatewaySettings withAccessLog(boolean on) {
    var copy = new Copy(this);
    copy.accessLog = on;
    return copy.settings();
  }

  /// These settings with some of them others.
  private static final class Copy {
    private final GatewaySettings of;
    private List<AddressPrefix> trustedNetworks;
    private List<CallerPlace> callers;
    private RouterSettings router;
    private WaitingRoom.Settings waiting;
    private AttemptSettings attempts;
    private HandoverSettings handover;
    private SessionLimits sessions;
    private boolean accessLog;

    Copy(GatewaySettings of) {
      this.of = of;
      trustedNetworks = of.trustedNetworks;
      callers = of.callers;
      router = of.router;
      waiting = of.waiting;
      attempts = of.attempts;
      handover = of.handover;
      sessions = of.sessions;
      accessLog = of.accessLog;
    }

    GatewaySettings settings() {
      return new GatewaySettings(
          of.http,
          of.siteToken,
          of.homeSite,
          trustedNetworks,
          callers,
          router,
          waiting,
          attempts,
          handover,
          sessions,
          of.prefixes,
          of.requestsMax,
          of.upstreamConnectMsMax,
          of.upstreamIdlePerSite,
          of.upstreamIdleMsMax,
          of.answerBytesMax,
          of.frameBytesMax,
          of.deadlineMsDefault,
          of.retryShare,
          of.hedgeShare,
          of.retryReserve,
          of.seed,
          of.tellMoves,
          accessLog);
    }
  }
}
