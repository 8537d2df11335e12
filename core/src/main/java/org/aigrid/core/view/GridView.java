package org.aigrid.core.view;

/// The grid as known at one instant: a roster and what the sites last said, in rows.
///
/// Immutable, safe to share between threads. Rows are addressed by the roster's dense site and
/// endpoint indices; what is known of an endpoint lies within 40 bytes. Two snapshots share every
/// page of 128 rows in which nothing changed between them.
public final class GridView {
  public static final GridView EMPTY =
      new GridView(Roster.EMPTY, 0, 0, new Pages.Sites[0], new Pages.Endpoints[0]);

  private final Roster roster;
  private final long revision;
  private final long takenAtMs;
  private final Pages.Sites[] sitePages;
  private final Pages.Endpoints[] endpointPages;

  GridView(
      Roster roster,
      long revision,
      long takenAtMs,
      Pages.Sites[] sitePages,
      Pages.Endpoints[] endpointPages) {
    this.roster = roster;
    this.revision = revision;
    this.takenAtMs = takenAtMs;
    this.sitePages = sitePages;
    this.endpointPages = endpointPages;
  }

  public Roster roster() {
    return roster;
  }

  /// Grows with every snapshot that differs from the one before.
  public long revision() {
    return revision;
  }

  /// Time of the snapshot, on the clock of whoever applied the heartbeats.
  public long takenAtMs() {
    return takenAtMs;
  }

  private Pages.Sites sites(int site) {
    return sitePages[site >>> Pages.ROWS_LOG2];
  }

  private Pages.Endpoints endpoints(int endpoint) {
    return endpointPages[endpoint >>> Pages.ROWS_LOG2];
  }

  /// When the site's lease ends; `Long.MIN_VALUE` before its first heartbeat.
  public long leaseEndMs(int site) {
    return sites(site).leaseEndMs[site & Pages.MASK];
  }

  /// Whether the site's word still counts at `nowMs`. Silence ends it.
  public boolean leaseFresh(int site, long nowMs) {
    return nowMs < leaseEndMs(site);
  }

  /// What the site takes; `NONE` before its first heartbeat.
  public AdmissionState admission(int site) {
    return state(sites(site).admission[site & Pages.MASK]);
  }

  private static AdmissionState state(byte code) {
    return switch (code) {
      case 2 -> AdmissionState.NEW_AND_EXISTING;
      case 1 -> AdmissionState.EXISTING_ONLY;
      default -> AdmissionState.NONE;
    };
  }

  static byte code(AdmissionState state) {
    return switch (state) {
      case NEW_AND_EXISTING -> 2;
      case EXISTING_ONLY -> 1;
      case NONE -> 0;
    };
  }

  /// `leaseFresh` of the endpoint's site, from the endpoint's own row.
  public boolean endpointLeaseFresh(int endpoint, long nowMs) {
    return nowMs < endpoints(endpoint).leaseEndMs(endpoint & Pages.MASK);
  }

  /// `admission` of the endpoint's site, from the endpoint's own row.
  public AdmissionState endpointAdmission(int endpoint) {
    return state(endpoints(endpoint).admission(endpoint & Pages.MASK));
  }

  /// Whether the endpoint stood in its site's last heartbeat.
  public boolean serving(int endpoint) {
    return endpoints(endpoint).serving(endpoint & Pages.MASK);
  }

  public int queuedTokens(int endpoint) {
    return endpoints(endpoint).queuedTokens(endpoint & Pages.MASK);
  }

  public int waiting(int endpoint) {
    return endpoints(endpoint).waiting(endpoint & Pages.MASK);
  }

  public int running(int endpoint) {
    return endpoints(endpoint).running(endpoint & Pages.MASK);
  }

  public int contextTokens(int endpoint) {
    return endpoints(endpoint).contextTokens(endpoint & Pages.MASK);
  }

  /// Sequence of the heartbeat that the endpoint's figures come from.
  public long reportSequence(int endpoint) {
    return endpoints(endpoint).sequence(endpoint & Pages.MASK);
  }

  /// Share of the endpoint that AI may use now, 0 to 1: what the radio and its holdback leave.
  public double aiShare(int endpoint) {
    return endpoints(endpoint).aiShare(endpoint & Pages.MASK);
  }

  /// How often a sequence that runs there is expected to be revoked for the radio, within 9 %.
  public double reclaimsPerHour(int endpoint) {
    return endpoints(endpoint).reclaimsPerHour(endpoint & Pages.MASK);
  }

  /// How long a sequence may be expected to stay there; infinite where no radio claims the GPU.
  public double expectedStayMs(int endpoint) {
    return 3_600_000 / reclaimsPerHour(endpoint);
  }

  /// Chance that a sequence there is revoked for the radio within that time.
  public double reclaimProbability(int endpoint, double withinMs) {
    double reclaims = reclaimsPerHour(endpoint);
    return reclaims == 0 ? 0 : -Math.expm1(-withinMs * reclaims / 3_600_000);
  }

  /// Prompt tokens per second over all replicas: as the site measured it, else by the engine model.
  public double prefillTokensPerSecond(int endpoint) {
    return endpoints(endpoint).prefillTokensPerSecond(endpoint & Pages.MASK);
  }
}
