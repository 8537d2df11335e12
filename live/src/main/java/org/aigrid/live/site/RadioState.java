package org.aigrid.live.site;

import java.util.List;
import org.aigrid.live.radio.ReclaimRecord;

/// What the radio of a site does, for people. Immutable.
///
/// @param demand share of the GPU that it wants; 1 when it was not heard of
/// @param aiShare share up to which AI is admitted
/// @param reclaims claims that took running work away
/// @param reclaimsPerHour how often a sequence is expected to be revoked
/// @param records the last reclaims, the oldest first
public record RadioState(
    double demand,
    double aiShare,
    long reclaims,
    double reclaimsPerHour,
    List<ReclaimRecord> records) {
  public RadioState {
    records = List.copyOf(records);
  }
}
