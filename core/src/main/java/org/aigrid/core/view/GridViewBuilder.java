package org.aigrid.core.view;

import java.util.Arrays;
import java.util.LinkedHashMap;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import org.aigrid.core.engine.EngineProfiles;
import org.aigrid.core.model.SiteSpec;
import org.aigrid.core.unit.Clamp;

/// Turns registrations and heartbeats into views.
///
/// Registrations wait until the next snapshot and then make one new roster together. Heartbeats
/// change pages in place, after copying those that a snapshot shares. A heartbeat costs about 0.2
/// us on an owned page and about 1 us on a shared one; a snapshot of 200,000 sites copies 25 kB of
/// page references. One thread; the snapshots may go anywhere.
public final class GridViewBuilder {
  private final GridViewSettings settings;
  private final Map<String, SiteSpec> joining = new LinkedHashMap<>();
  private final Set<String> leaving = new LinkedHashSet<>();
  private final Set<String> jurisdictions = new LinkedHashSet<>();

  private Roster roster = Roster.EMPTY;
  private Pages.Sites[] sitePages = new Pages.Sites[0];
  private Pages.Endpoints[] endpointPages = new Pages.Endpoints[0];
  private boolean[] sitePageOwned = new boolean[0];
  private boolean[] endpointPageOwned = new boolean[0];
  private GridView last = GridView.EMPTY;
  private boolean changed;

  public GridViewBuilder(GridViewSettings settings) {
    this.settings = settings;
  }

  /// A site joins, or changes what it said about itself. It is routable after its next heartbeat.
  ///
  /// Refused with an `IllegalArgumentException`, and nothing changes, when one of its models does
  /// not fit its accelerator or its jurisdiction is one more than a grid can span: later it would
  /// spoil the snapshot of everybody else.
  public void register(SiteSpec site) {
    site.endpoints().forEach(EngineProfiles::of);
    if (jurisdictions.size() == Roster.JURISDICTIONS_MAX) {
      forgetJurisdictionsWithoutSites();
    }
    if (!jurisdictions.contains(site.jurisdiction())
        && jurisdictions.size() == Roster.JURISDICTIONS_MAX) {
      throw new IllegalArgumentException(
          "jurisdiction "
              + site.jurisdiction()
              + " of site "
              + site.id()
              + " is one too many for this grid (expected: at most "
              + Roster.JURISDICTIONS_MAX
              + ")");
    }
    jurisdictions.add(site.jurisdiction());
    leaving.remove(site.id());
    joining.put(site.id(), site);
  }

  private void forgetJurisdictionsWithoutSites() {
    jurisdictions.clear();
    for (int site = 0; site < roster.siteCount(); site++) {
      SiteSpec present = roster.siteSpec(site);
      if (present != null && !leaving.contains(present.id())) {
        jurisdictions.add(present.jurisdiction());
      }
    }
    joining.values().forEach(site -> jurisdictions.add(site.jurisdiction()));
  }

  /// Many sites join at once.
  public void registerAll(List<SiteSpec> sites) {
    sites.forEach(this::register);
  }

  /// A site leaves for good.
  public void remove(String siteId) {
    joining.remove(siteId);
    leaving.add(siteId);
  }

  /// Renews a site's lease and takes over what it says of its endpoints.
  public Applied apply(Heartbeat heartbeat, long nowMs) {
    if (!joining.isEmpty() && joining.containsKey(heartbeat.siteId())) {
      applyRegistrations();
    }
    int site = leaving.contains(heartbeat.siteId()) ? -1 : roster.indexOfSite(heartbeat.siteId());
    if (site < 0) {
      return new Applied.UnknownSite(heartbeat.siteId());
    }
    int row = site & Pages.MASK;
    long lastSequence = sitePages[site >>> Pages.ROWS_LOG2].sequence[row];
    if (heartbeat.sequence() <= lastSequence) {
      return new Applied.Stale(site, lastSequence);
    }
    Pages.Sites page = ownedSitePage(site);
    long leaseEndMs =
        nowMs + Clamp.toInt(heartbeat.leaseMs(), settings.leaseMsLeast(), settings.leaseMsMost());
    page.sequence[row] = heartbeat.sequence();
    page.leaseEndMs[row] = leaseEndMs;
    page.admission[row] = GridView.code(heartbeat.admission());
    for (int e = roster.firstEndpoint(site); e < roster.endpointsEnd(site); e++) {
      applyLoad(e, e - roster.firstEndpoint(site), heartbeat, leaseEndMs);
    }
    changed = true;
    return new Applied.Accepted(site, leaseEndMs);
  }

  private void applyLoad(int endpoint, int position, Heartbeat heartbeat, long leaseEndMs) {
    String model = roster.endpointSpec(endpoint).model().name();
    List<EndpointLoad> loads = heartbeat.endpointLoads();
    EndpointLoad load = null;
    if (position < loads.size() && loads.get(position).model().equals(model)) {
      load = loads.get(position);
    } else {
      for (int i = 0; i < loads.size() && load == null; i++) {
        load = loads.get(i).model().equals(model) ? loads.get(i) : null;
      }
    }
    float prefill =
        load != null && load.prefillTokensPerSecond() > 0
            ? (float) load.prefillTokensPerSecond()
            : modelledPrefill(endpoint);
    ownedEndpointPage(endpoint)
        .set(
            endpoint & Pages.MASK,
            leaseEndMs,
            heartbeat.sequence(),
            GridView.code(heartbeat.admission()),
            load,
            prefill);
  }

  private float modelledPrefill(int endpoint) {
    return (float)
        (roster.profile(endpoint).prefillTokensPerSecond()
            * roster.endpointSpec(endpoint).replicas());
  }

  /// The grid as known now. The same object as before when nothing changed.
  public GridView snapshot(long nowMs) {
    applyRegistrations();
    if (!changed) {
      return last;
    }
    last =
        new GridView(roster, last.revision() + 1, nowMs, sitePages.clone(), endpointPages.clone());
    Arrays.fill(sitePageOwned, false);
    Arrays.fill(endpointPageOwned, false);
    changed = false;
    return last;
  }

  private void applyRegistrations() {
    if (joining.isEmpty() && leaving.isEmpty()) {
      return;
    }
    for (String id : leaving) {
      forget(roster.indexOfSite(id));
    }
    for (String id : joining.keySet()) {
      forget(roster.indexOfSite(id));
    }
    roster = roster.edited(List.copyOf(joining.values()), List.copyOf(leaving));
    joining.clear();
    leaving.clear();
    growPages();
    changed = true;
  }

  /// A site that left or registers anew has no lease, and may start its sequence again.
  private void forget(int site) {
    if (site >= 0) {
      Pages.Sites page = ownedSitePage(site);
      page.leaseEndMs[site & Pages.MASK] = Long.MIN_VALUE;
      page.sequence[site & Pages.MASK] = Long.MIN_VALUE;
      page.admission[site & Pages.MASK] = GridView.code(AdmissionState.NONE);
      for (int e = roster.firstEndpoint(site); e < roster.endpointsEnd(site); e++) {
        ownedEndpointPage(e).clear(e & Pages.MASK);
      }
    }
  }

  private void growPages() {
    int siteCount = Pages.pagesFor(roster.siteCount());
    int siteBefore = sitePages.length;
    sitePages = Arrays.copyOf(sitePages, siteCount);
    sitePageOwned = Arrays.copyOf(sitePageOwned, siteCount);
    for (int page = siteBefore; page < siteCount; page++) {
      sitePages[page] = new Pages.Sites();
      sitePageOwned[page] = true;
    }
    int endpointCount = Pages.pagesFor(roster.endpointCount());
    int endpointBefore = endpointPages.length;
    endpointPages = Arrays.copyOf(endpointPages, endpointCount);
    endpointPageOwned = Arrays.copyOf(endpointPageOwned, endpointCount);
    for (int page = endpointBefore; page < endpointCount; page++) {
      endpointPages[page] = new Pages.Endpoints();
      endpointPageOwned[page] = true;
    }
  }

  private Pages.Sites ownedSitePage(int site) {
    int page = site >>> Pages.ROWS_LOG2;
    if (!sitePageOwned[page]) {
      sitePages[page] = sitePages[page].copy();
      sitePageOwned[page] = true;
    }
    return sitePages[page];
  }

  private Pages.Endpoints ownedEndpointPage(int endpoint) {
    int page = endpoint >>> Pages.ROWS_LOG2;
    if (!endpointPageOwned[page]) {
      endpointPages[page] = endpointPages[page].copy();
      endpointPageOwned[page] = true;
    }
    return endpointPages[page];
  }
}
