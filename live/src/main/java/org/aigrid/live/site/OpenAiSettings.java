package org.aigrid.live.site;

import java.net.URI;
import org.aigrid.live.outbound.OutboundAddress;
import org.jspecify.annotations.Nullable;

/// A server that speaks the OpenAI API, and what is put up with. Immutable.
///
/// @param model the id that clients send
/// @param baseUrl http or https, with or without `/v1`
/// @param apiKey sent as bearer token; null sends none
/// @param upstreamModel what the server calls the model; null when it is the same
/// @param connectMsMax until the server has taken the connection; beyond: 503, elsewhere
/// @param openMax requests with the server; beyond: 503, elsewhere
/// @param continues whether it goes on with an assistant's message that is its last, as vLLM does
///   with `continue_final_message`; a server whose metrics are vLLM's is taken to in any case
public record OpenAiSettings(
    String model,
    URI baseUrl,
    @Nullable String apiKey,
    @Nullable String upstreamModel,
    int connectMsMax,
    int openMax,
    boolean continues) {
  public static final int CONNECT_MS_DEFAULT = 2_000;
  public static final int OPEN_DEFAULT = 1_024;

  public OpenAiSettings {
    OutboundAddress.check("server of " + model, baseUrl, OutboundAddress.Over.HTTP);
    if (connectMsMax < 1 || openMax < 1) {
      throw new IllegalArgumentException(
          "server of "
              + model
              + ": connectMsMax "
              + connectMsMax
              + ", openMax "
              + openMax
              + " (expected: 1 or more each)");
    }
  }

  /// The usual bounds.
  public static OpenAiSettings of(String model, URI baseUrl, @Nullable String apiKey) {
    return new OpenAiSettings(
        model, baseUrl, apiKey, null, CONNECT_MS_DEFAULT, OPEN_DEFAULT, false);
  }

  /// These settings for a server that goes on with an assistant's message.
  public OpenAiSettings continuing(boolean can) {
    return new OpenAiSettings(model, baseUrl, apiKey, upstreamModel, connectMsMax, openMax, can);
  }

  /// The server's address without `/v1` and without a slash at its end.
  String root() {
    String url = baseUrl.toString();
    while (url.endsWith("/")) {
      url = url.substring(0, url.length() - 1);
    }
    return url.endsWith("/v1") ? url.substring(0, url.length() - 3) : url;
  }
}
