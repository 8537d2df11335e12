package org.aigrid.live.gateway;

import org.aigrid.core.policy.RequestFacts;
import org.aigrid.live.wire.RequestScan;

/// A turn as it was asked, kept so that its prompt can be computed ahead at another site. In memory
/// only, never logged: it holds what a person wrote. The body is not to be changed.
///
/// @param path of the API
/// @param body as the client sent it
/// @param scan what it says
/// @param key who asked
/// @param facts what policies may ask of the request
@SuppressWarnings("ArrayRecordComponent") // compared by nobody
record LastPrompt(String path, byte[] body, RequestScan scan, KeyEntry key, RequestFacts facts) {}
