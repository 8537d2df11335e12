package org.aigrid.live.radio;

/// One reclaim: what the radio claimed and how AI gave way. Immutable.
///
/// @param claimedAtMs when the radio came to want it, milliseconds since 1970
/// @param demand share of the GPU that it wanted
/// @param closedAfterMs until nothing more was admitted than the radio leaves
/// @param goneAfterMs until AI had left what was claimed, or the radio wanted it no more; so far,
///   while `open`
/// @param revoked requests that had to go
/// @param unconfirmed of these, how many run at a server that does not say when they have left its
///   device: they count as gone when their connection is closed
/// @param lostTokens tokens of context that another place has to compute again
/// @param missedMs time beyond the promised bound in which the radio lacked what it claimed
/// @param open whether the radio still lacks it, or did when its site died
public record ReclaimRecord(
    long claimedAtMs,
    double demand,
    double closedAfterMs,
    double goneAfterMs,
    int revoked,
    int unconfirmed,
    long lostTokens,
    double missedMs,
    boolean open) {}
