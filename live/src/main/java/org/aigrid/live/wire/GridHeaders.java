package org.aigrid.live.wire;

import io.netty.util.AsciiString;

/// The names of all headers that the grid reads or writes, lower case as HTTP/2 wants them.
/// Constants; what each one means stands in ARCHITECTURE.md ("The site protocol") and below.
public final class GridHeaders {
  private GridHeaders() {}

  // Gateway to site agent.

  /// What the site is to do, signed by the gateway (`WorkOrder`).
  public static final AsciiString ORDER = AsciiString.cached("x-grid-order");

  /// How many bytes at the body's end are not the client's, but say what it has had of the stream
  /// (`Replay`): the site goes on from there.
  public static final AsciiString REPLAY_BYTES = AsciiString.cached("x-grid-replay-bytes");

  // Site agent to gateway.

  /// `elsewhere` when another site may take what this one refused.
  public static final AsciiString RETRY = AsciiString.cached("x-grid-retry");

  /// The one value of [#RETRY].
  public static final AsciiString RETRY_ELSEWHERE = AsciiString.cached("elsewhere");

  /// Trailer of a stream that its site ends before its end: why the gateway has to take it
  /// elsewhere, `radio` or `drain`.
  public static final AsciiString MOVE = AsciiString.cached("x-grid-move");

  // Client to gateway.

  /// The id of the site (usually a base station) whose cell the caller is in; trusted networks
  /// only.
  public static final AsciiString CELL = AsciiString.cached("x-grid-cell");

  /// What the client calls the conversation that a request is a turn of, where the body has no
  /// `prompt_cache_key`: 1 to 128 characters.
  public static final AsciiString SESSION = AsciiString.cached("x-grid-session");

  /// Narrows the key's allow list of jurisdictions for one request.
  public static final AsciiString RESIDENCY = AsciiString.cached("x-grid-residency");

  /// `1` in a request asks for the decision's reasons; the answer carries them as one line of JSON.
  public static final AsciiString EXPLAIN = AsciiString.cached("x-grid-explain");

  // Gateway to client.

  /// Id of the site that answered.
  public static final AsciiString SITE = AsciiString.cached("x-grid-site");

  /// Its tier: `hub`, `regional` or `cell`.
  public static final AsciiString TIER = AsciiString.cached("x-grid-tier");

  /// How long the request waited for a place, where it did.
  public static final AsciiString WAITED_MS = AsciiString.cached("x-grid-waited-ms");

  /// Its region.
  public static final AsciiString REGION = AsciiString.cached("x-grid-region");

  /// Whose law applies there.
  public static final AsciiString JURISDICTION = AsciiString.cached("x-grid-jurisdiction");

  /// How many sites were tried for the request, 1 or more.
  public static final AsciiString ATTEMPTS = AsciiString.cached("x-grid-attempts");

  /// Why the site was chosen, in lower case: `lowest_cost`, `sticky_prefix`, ...
  public static final AsciiString REASON = AsciiString.cached("x-grid-reason");

  // The OpenAI API's own.

  /// The request's id for its life.
  public static final AsciiString REQUEST_ID = AsciiString.cached("x-request-id");

  /// An id the client chose: ASCII, at most 512 characters; logged.
  public static final AsciiString CLIENT_REQUEST_ID = AsciiString.cached("x-client-request-id");

  /// Which retry of the SDK's own this is: 0, 1, 2.
  public static final AsciiString STAINLESS_RETRY_COUNT =
      AsciiString.cached("x-stainless-retry-count");

  /// How many seconds the SDK waits for the answer.
  public static final AsciiString STAINLESS_TIMEOUT = AsciiString.cached("x-stainless-timeout");

  /// `true` or `false`: overrides the SDK's own rule.
  public static final AsciiString SHOULD_RETRY = AsciiString.cached("x-should-retry");

  public static final AsciiString PROCESSING_MS = AsciiString.cached("openai-processing-ms");
  public static final AsciiString VERSION = AsciiString.cached("openai-version");
  public static final AsciiString ORGANIZATION = AsciiString.cached("openai-organization");
  public static final AsciiString LIMIT_REQUESTS = AsciiString.cached("x-ratelimit-limit-requests");
  public static final AsciiString LIMIT_TOKENS = AsciiString.cached("x-ratelimit-limit-tokens");
  public static final AsciiString REMAINING_REQUESTS =
      AsciiString.cached("x-ratelimit-remaining-requests");
  public static final AsciiString REMAINING_TOKENS =
      AsciiString.cached("x-ratelimit-remaining-tokens");
  public static final AsciiString RESET_REQUESTS = AsciiString.cached("x-ratelimit-reset-requests");
  public static final AsciiString RESET_TOKENS = AsciiString.cached("x-ratelimit-reset-tokens");
}
