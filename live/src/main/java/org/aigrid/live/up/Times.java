package org.aigrid.live.up;

import java.time.DateTimeException;
import java.time.Duration;
import java.time.Instant;
import java.time.LocalDate;
import java.time.ZoneOffset;
import java.time.temporal.ChronoUnit;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/// Durations and moments as people write them on the command line: `45s`, `30m`, `24h`, `90d`,
/// `2w`; `2027-01-31`, which lasts to that day's end (UTC); `2027-01-31T12:00:00Z`. What is
/// something else is a `CommandFailure` of one sentence.
final class Times {
  /// No duration is longer: ten years.
  static final Duration LONGEST = Duration.ofDays(3_660);

  private static final Pattern SPAN = Pattern.compile("([0-9]{1,9})([smhdw])");

  private Times() {}

  /// @param option that it was given with, for the message
  static Duration span(String option, String text) {
    Matcher span = SPAN.matcher(text);
    if (span.matches()) {
      long count = Long.parseLong(span.group(1));
      Duration found =
          switch (span.group(2).charAt(0)) {
            case 's' -> Duration.ofSeconds(count);
            case 'm' -> Duration.ofMinutes(count);
            case 'h' -> Duration.ofHours(count);
            case 'd' -> Duration.ofDays(count);
            default -> Duration.ofDays(7 * count);
          };
      if (found.compareTo(LONGEST) <= 0) {
        return found;
      }
    }
    throw new CommandFailure(
        option + " '" + text + "' (expected: such as 30m, 24h, 90d or 2w, at most ten years)");
  }

  /// A moment after `now`.
  ///
  /// @param option that it was given with, for the message
  static Instant ahead(String option, String text, Instant now) {
    Instant found = moment(option, text, now);
    if (!found.isAfter(now)) {
      throw new CommandFailure(option + " '" + text + "' is over (expected: a moment ahead)");
    }
    return found;
  }

  private static Instant moment(String option, String text, Instant now) {
    if (SPAN.matcher(text).matches()) {
      return now.plus(span(option, text)).truncatedTo(ChronoUnit.SECONDS);
    }
    try {
      return text.indexOf('T') > 0
          ? Instant.parse(text)
          : LocalDate.parse(text).plusDays(1).atStartOfDay().toInstant(ZoneOffset.UTC);
    } catch (DateTimeException e) {
      throw new CommandFailure(
          option + " '" + text + "' (expected: such as 90d, 2027-01-31 or 2027-01-31T12:00:00Z)");
    }
  }
}
