package org.aigrid.core.view;

/// A grid whose view is written in place: for one who sees to it himself that nobody reads a row
/// while it is written, and who would make millions of heartbeats. The twin plays in rounds, so it
/// can; the live grid cannot and uses `GridViewBuilder`.
///
/// Rows of different endpoints may be written by different threads. A write costs some 10 ns and
/// allocates nothing.
public final class OpenGridView {
  private final Roster roster;
  private final Pages.Endpoints[] pages;
  private final GridView view;

  /// All endpoints without a lease.
  public OpenGridView(Roster roster) {
    this.roster = roster;
    pages = Pages.Endpoints.inOnePiece(Pages.pagesFor(roster.endpointCount()));
    var sites = new Pages.Sites[Pages.pagesFor(roster.siteCount())];
    for (int page = 0; page < sites.length; page++) {
      sites[page] = new Pages.Sites();
    }
    view = new GridView(roster, 1, 0, sites, pages);
  }

  /// Another grid with the same rows, to be written on its own.
  public OpenGridView copy() {
    var copy = new OpenGridView(roster);
    for (int page = 0; page < pages.length; page++) {
      copy.pages[page].copyFrom(pages[page]);
    }
    return copy;
  }

  /// The view, always the same object: it shows what is written. What it says of sites (rather than
  /// endpoints) is that none has reported.
  public GridView view() {
    return view;
  }

  /// What the endpoint's site says of it.
  ///
  /// @param prefillTokensPerSecond as measured, or 0 for what the engine model says
  /// @param aiShare share of the endpoint that AI may use now
  /// @param reclaimsPerHour how often a sequence is expected to be revoked
  public void report(
      int endpoint,
      long leaseEndMs,
      long sequence,
      AdmissionState admission,
      int queuedTokens,
      int waiting,
      int running,
      int contextTokens,
      double prefillTokensPerSecond,
      double aiShare,
      double reclaimsPerHour) {
    double perSecond =
        prefillTokensPerSecond > 0
            ? prefillTokensPerSecond
            : roster.profile(endpoint).prefillTokensPerSecond() * roster.replicas(endpoint);
    pages[endpoint >>> Pages.ROWS_LOG2].set(
        endpoint & Pages.MASK,
        leaseEndMs,
        sequence,
        GridView.code(admission),
        true,
        queuedTokens,
        waiting,
        running,
        contextTokens,
        (float) perSecond,
        aiShare,
        reclaimsPerHour);
  }

  /// Sets the end of the endpoint's lease and leaves the rest of its row.
  public void lease(int endpoint, long leaseEndMs) {
    pages[endpoint >>> Pages.ROWS_LOG2].setLeaseEndMs(endpoint & Pages.MASK, leaseEndMs);
  }

  /// Sets what the radio leaves of the endpoint and leaves the rest of its row.
  public void radio(int endpoint, double aiShare, double reclaimsPerHour) {
    pages[endpoint >>> Pages.ROWS_LOG2].setRadio(endpoint & Pages.MASK, aiShare, reclaimsPerHour);
  }

  /// Sets the endpoint's prefill rate and leaves the rest of its row.
  public void prefill(int endpoint, double tokensPerSecond) {
    pages[endpoint >>> Pages.ROWS_LOG2].setPrefill(endpoint & Pages.MASK, (float) tokensPerSecond);
  }
}
