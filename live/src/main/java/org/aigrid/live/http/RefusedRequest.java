package org.aigrid.live.http;

import io.netty.handler.codec.DecoderResult;
import io.netty.handler.codec.http.HttpObject;
import org.aigrid.live.wire.ApiError;

/// A request that was not understood or not allowed: answered in its turn, and the last one of its
/// connection.
final class RefusedRequest implements HttpObject {
  private final ApiError error;

  RefusedRequest(ApiError error) {
    this.error = error;
  }

  ApiError error() {
    return error;
  }

  @Override
  public DecoderResult decoderResult() {
    return DecoderResult.SUCCESS;
  }

  @Override
  @Deprecated
  public DecoderResult getDecoderResult() {
    return DecoderResult.SUCCESS;
  }

  @Override
  public void setDecoderResult(DecoderResult result) {
    throw new UnsupportedOperationException("a refusal was not decoded");
  }
}
