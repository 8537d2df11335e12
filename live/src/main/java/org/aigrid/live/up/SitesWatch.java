package org.aigrid.live.up;

import java.io.PrintWriter;
import java.time.LocalTime;
import java.time.format.DateTimeFormatter;
import java.util.HashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;

/// Shows the sites of a running grid as they change: on a terminal a table that is refreshed in
/// place, elsewhere one line for each change. One thread.
final class SitesWatch {
  /// Lines of the table on a terminal; `./grid sites` shows them all.
  static final int LINES_MAX = 24;

  private static final String ERASE_LINE = "\u001b[2K";
  private static final DateTimeFormatter CLOCK = DateTimeFormatter.ofPattern("HH:mm:ss");

  private final SiteControl control;
  private final PrintWriter out;
  private final boolean inPlace;
  private final Map<String, String> lastWord = new HashMap<>();
  private int drawnLines;

  SitesWatch(SiteControl control, PrintWriter out, boolean inPlace) {
    this.control = control;
    this.out = out;
    this.inPlace = inPlace;
  }

  /// Shows what is new.
  void refresh() {
    List<SiteState> sites = control.sites();
    if (inPlace) {
      draw(SitesTable.lines(sites));
    } else {
      sites.forEach(this::tellChange);
    }
    out.flush();
  }

  private void draw(List<String> lines) {
    var text = new StringBuilder();
    if (drawnLines > 0) {
      text.append("\u001b[").append(drawnLines).append('A');
    }
    int shown = Math.min(lines.size(), LINES_MAX);
    for (int i = 0; i < shown; i++) {
      text.append(ERASE_LINE).append(lines.get(i)).append('\n');
    }
    if (shown < lines.size()) {
      text.append(ERASE_LINE)
          .append("... and ")
          .append(lines.size() - shown)
          .append(" more: ./grid sites\n");
    }
    drawnLines = shown + (shown < lines.size() ? 1 : 0);
    out.print(text);
  }

  private void tellChange(SiteState site) {
    String word = word(site);
    String before = lastWord.put(site.id(), word);
    if (before != null && !before.equals(word)) {
      out.println(LocalTime.now().format(CLOCK) + "  " + site.id() + ": " + word);
    }
  }

  private static String word(SiteState site) {
    return site.state().name().toLowerCase(Locale.ROOT)
        + (site.leaseMs() > 0 ? "" : ", lease ended: nothing is routed there");
  }
}
