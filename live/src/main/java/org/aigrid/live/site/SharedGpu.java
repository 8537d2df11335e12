package org.aigrid.live.site;

import org.aigrid.core.node.Governor;
import org.aigrid.live.radio.CalibratedRadio;
import org.aigrid.live.radio.GpuSplit;

/// What a site agent needs to share its GPU with a radio. Owned by the agent.
///
/// @param radio where it hears what the radio wants
/// @param split what enforces the split on the device beside the engine's limits
/// @param governor bounds and manners
public record SharedGpu(CalibratedRadio radio, GpuSplit split, Governor.Settings governor)
    implements AutoCloseable {
  @Override
  public void close() {
    radio.close();
    split.close();
  }
}
