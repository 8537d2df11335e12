package org.aigrid.core.route;

/// What being served at an endpoint costs a request that is under way there, in the router's
/// milliseconds. Immutable.
///
/// @param endpoint dense index in the view's roster
/// @param roundTripMs from the caller's site
/// @param tokenMs expected time per output token
/// @param decodeMs of the tokens still to come, what goes beyond a reader's pace
/// @param evictionMs expected cost of having to move for the radio before they have come
/// @param prefillMs of all tokens so far, were they computed there anew
public record UnderWay(
    int endpoint,
    double roundTripMs,
    double tokenMs,
    double decodeMs,
    double evictionMs,
    double prefillMs) {}
