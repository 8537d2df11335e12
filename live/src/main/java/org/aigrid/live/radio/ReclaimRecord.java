package org.aigrid.live.radio;

/// One reclaim: what the radio claimed and how AI gave way. Immutable.
///
/// @param claimedAtMs when the radio came to want it, milliseconds since 1970
/// @param demand share of the GPU that it wanted
/// @param closedAfterMs until nothing more was admitted than the radio leaves
/// @param goneAfterMs until the last revoked work was off the device
/// @param revoked requests that had to go
/// @param lostTokens tokens of context that another place has to compute again
/// @param missedMs time beyond the promised bound in which the radio lacked what it claimed
public record ReclaimRecord(
    long claimedAtMs,
    double demand,
    double closedAfterMs,
    double goneAfterMs,
    int revoked,
    long lostTokens,
    double missedMs) {}
