package org.aigrid.live.up;

import java.util.ArrayList;
import java.util.HashSet;
import java.util.List;
import java.util.Set;
import java.util.function.Predicate;
import org.aigrid.core.model.EndpointSpec;
import org.aigrid.core.model.LocationClaim;
import org.aigrid.core.model.SiteSpec;
import org.aigrid.live.topology.EnginePlan;
import org.aigrid.live.topology.Topology;
import org.aigrid.live.topology.Topology.PlannedSite;

/// Puts engines from the command line into a topology. Pure: answers a new topology.
final class Attachments {
  /// An endpoint and what answers there.
  record Attachment(EndpointSpec endpoint, EnginePlan engine) {}

  private Attachments() {}

  /// The topology with `attachment` at every site that `wanted` picks, before what was there; a
  /// model of the same name is replaced.
  static Topology at(Topology topology, Predicate<SiteSpec> wanted, Attachment attachment) {
    var sites = new ArrayList<PlannedSite>();
    for (PlannedSite site : topology.sites()) {
      sites.add(wanted.test(site.spec()) ? with(site, List.of(attachment)) : site);
    }
    return replaced(topology, sites);
  }

  /// The topology with the models of one server at its first hub. Models that the hub has already
  /// go to a further site beside it, so that a second server of the same model is a second
  /// endpoint.
  static Topology atHub(Topology topology, PlannedSite hub, List<Attachment> attachments) {
    Set<String> taken = new HashSet<>();
    for (int i = 0; i < hub.engines().size(); i++) {
      if (!(hub.engines().get(i) instanceof EnginePlan.Emulated)) {
        taken.add(hub.spec().endpoints().get(i).model().name());
      }
    }
    var here = new ArrayList<Attachment>();
    var beside = new ArrayList<Attachment>();
    for (Attachment attachment : attachments) {
      (taken.add(attachment.endpoint().model().name()) ? here : beside).add(attachment);
    }
    var sites = new ArrayList<PlannedSite>();
    for (PlannedSite site : topology.sites()) {
      sites.add(site.equals(hub) ? with(site, here) : site);
    }
    if (!beside.isEmpty()) {
      sites.add(sites.indexOf(with(hub, here)) + 1, beside(topology, hub.spec(), beside));
    }
    return replaced(topology, sites);
  }

  private static PlannedSite with(PlannedSite site, List<Attachment> attachments) {
    var endpoints = new ArrayList<EndpointSpec>();
    var engines = new ArrayList<EnginePlan>();
    for (Attachment attachment : attachments) {
      endpoints.add(attachment.endpoint());
      engines.add(attachment.engine());
    }
    for (int i = 0; i < site.engines().size(); i++) {
      EndpointSpec old = site.spec().endpoints().get(i);
      if (endpoints.stream().noneMatch(e -> e.model().name().equals(old.model().name()))) {
        endpoints.add(old);
        engines.add(site.engines().get(i));
      }
    }
    return new PlannedSite(
        renamed(site.spec(), site.spec().id(), site.spec().location(), endpoints),
        engines,
        site.radio());
  }

  private static PlannedSite beside(Topology topology, SiteSpec hub, List<Attachment> attachments) {
    Set<String> ids = new HashSet<>();
    topology.sites().forEach(site -> ids.add(site.spec().id()));
    int number = 2;
    while (ids.contains(hub.id() + "-" + number)) {
      number++;
    }
    return new PlannedSite(
        renamed(
            hub,
            hub.id() + "-" + number,
            LocationClaim.DECLARED, // what is known of the hub's place says nothing of this one's
            attachments.stream().map(Attachment::endpoint).toList()),
        attachments.stream().map(Attachment::engine).toList());
  }

  private static SiteSpec renamed(
      SiteSpec site, String id, LocationClaim location, List<EndpointSpec> endpoints) {
    return new SiteSpec(
        id,
        site.name(),
        site.tier(),
        site.region(),
        site.position(),
        site.jurisdiction(),
        site.operator(),
        location,
        endpoints);
  }

  private static Topology replaced(Topology topology, List<PlannedSite> sites) {
    return new Topology(
        topology.name(),
        topology.homeSite(),
        topology.trustedNetworks(),
        topology.callers(),
        topology.waiting(),
        sites);
  }
}
