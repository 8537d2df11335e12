package org.aigrid.core.view;

import java.util.List;

/// What a site says about itself, pushed and never scraped. It renews the site's lease. Immutable.
///
/// @param siteId a registered site
/// @param sequence grows by at least one with each heartbeat of a site's life; older ones are
///   ignored
/// @param leaseMs how long the site may stay silent after this; clamped by the receiver
/// @param admission what the site takes
/// @param endpointLoads one per endpoint; an endpoint that is missing serves nothing now
public record Heartbeat(
    String siteId,
    long sequence,
    int leaseMs,
    AdmissionState admission,
    List<EndpointLoad> endpointLoads) {
  public Heartbeat {
    endpointLoads = List.copyOf(endpointLoads);
  }
}
