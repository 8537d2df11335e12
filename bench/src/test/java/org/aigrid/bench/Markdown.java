package org.aigrid.bench;

import java.util.ArrayList;
import java.util.HashMap;
import java.util.HashSet;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Set;
import java.util.regex.Pattern;

/// The parts of a Markdown page that a test can check: links, headings, shell lines. Fenced code is
/// no place for links; links of both `[text](target)` and `[name]: target` form are found.
record Markdown(String text) {
  private static final Pattern INLINE = Pattern.compile("!?\\[[^\\]]*]\\(([^)\\s]+)[^)]*\\)");
  private static final Pattern REFERENCE = Pattern.compile("(?m)^\\[[^\\]]+]:\\s*(\\S+)");
  private static final Pattern HEADING = Pattern.compile("(?m)^#{1,6}\\s+(.+?)\\s*#*$");
  private static final Pattern FENCE = Pattern.compile("(?ms)^(```+)([a-z]*)[^\\n]*\\n(.*?)^\\1");
  private static final Pattern GRID = Pattern.compile("(?:^|[\\s`(])\\./grid\\b([^`\\n]*)");

  List<String> links() {
    String prose = FENCE.matcher(text).replaceAll("").replaceAll("`[^`\\n]*`", "");
    var found = new ArrayList<String>();
    for (Pattern pattern : List.of(INLINE, REFERENCE)) {
      var matcher = pattern.matcher(prose);
      while (matcher.find()) {
        found.add(matcher.group(1));
      }
    }
    return found;
  }

  /// Anchors as GitHub makes them: lower case, punctuation dropped, blanks to hyphens, repeats
  /// numbered.
  Set<String> anchors() {
    var anchors = new HashSet<String>();
    Map<String, Integer> seen = new HashMap<>();
    var matcher = HEADING.matcher(FENCE.matcher(text).replaceAll(""));
    while (matcher.find()) {
      String slug =
          matcher
              .group(1)
              .replaceAll("\\[([^\\]]*)]\\([^)]*\\)", "$1")
              .toLowerCase(Locale.ROOT)
              .replaceAll("[^\\p{L}\\p{N} _-]", "")
              .replace(' ', '-');
      int repeat = seen.merge(slug, 1, Integer::sum);
      anchors.add(repeat == 1 ? slug : slug + "-" + (repeat - 1));
    }
    return anchors;
  }

  /// What follows `./grid` in shell blocks and in inline code, one entry a call, comments and
  /// further commands of the line cut off, continued lines joined.
  List<String> gridCalls() {
    var calls = new ArrayList<String>();
    var inline =
        Pattern.compile("`(\\./grid[^`\\n]*)`").matcher(FENCE.matcher(text).replaceAll(""));
    while (inline.find()) {
      calls.add(call(inline.group(1)));
    }
    var fences = FENCE.matcher(text);
    while (fences.find()) {
      if (Set.of("", "sh", "bash", "shell", "console").contains(fences.group(2))) {
        var grid =
            GRID.matcher(fences.group(3).replaceAll("\\\\\\n\\s*", " ").replaceAll("\\s#.*", ""));
        while (grid.find()) {
          calls.add(call("./grid" + grid.group(1)));
        }
      }
    }
    return calls;
  }

  private static String call(String line) {
    return line.replaceFirst("^\\./grid", "").split("\\s+#|[|;&>]", 2)[0].strip();
  }
}
