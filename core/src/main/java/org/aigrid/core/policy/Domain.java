package org.aigrid.core.policy;

import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import org.aigrid.core.model.ServiceTier;
import org.aigrid.core.model.Tier;
import org.jspecify.annotations.Nullable;

/// What the texts of an attribute can be, so that a text that can never occur is a mistake at
/// compile time and not a policy that silently never applies.
enum Domain {
  /// Any text.
  ANY("a text", List.of()),
  /// ISO 3166-1 alpha-2.
  JURISDICTION("two upper-case letters of ISO 3166-1, such as \"JP\"", List.of()),
  /// How deep in the network a site stands.
  SITE_TIER("a tier of sites", words(Tier.values())),
  /// How urgent a request is.
  SERVICE_TIER("a service tier", words(ServiceTier.values()));

  private final String expectation;
  private final List<String> words;

  Domain(String expectation, List<String> words) {
    this.expectation = expectation;
    this.words = words;
  }

  /// The word of a tier of sites in policies.
  static String word(Tier tier) {
    return SITE_TIER.words.get(tier.ordinal());
  }

  /// The word of a service tier in policies.
  static String word(ServiceTier tier) {
    return SERVICE_TIER.words.get(tier.ordinal());
  }

  String expectation() {
    return expectation;
  }

  /// What is wrong with a text of this kind, or null.
  @Nullable String problem(String text) {
    return switch (this) {
      case ANY -> null;
      case JURISDICTION ->
          isJurisdiction(text)
              ? null
              : "the jurisdiction "
                  + shown(text)
                  + " (expected: "
                  + expectation
                  + ")"
                  + (isJurisdiction(text.toUpperCase(Locale.ROOT))
                      ? "; did you mean '" + text.toUpperCase(Locale.ROOT) + "'?"
                      : "");
      case SITE_TIER, SERVICE_TIER ->
          words.contains(text)
              ? null
              : expectation
                  + " called "
                  + shown(text)
                  + " (expected: one of "
                  + String.join(", ", words)
                  + ")"
                  + Texts.didYouMean(text, words);
    };
  }

  static boolean isJurisdiction(String text) {
    return text.length() == 2 && isUpper(text.charAt(0)) && isUpper(text.charAt(1));
  }

  private static boolean isUpper(char c) {
    return c >= 'A' && c <= 'Z';
  }

  private static String shown(String text) {
    return "\"" + Texts.shortened(text) + "\"";
  }

  private static List<String> words(Enum<?>[] values) {
    var words = new ArrayList<String>();
    for (Enum<?> value : values) {
      words.add(value.name().toLowerCase(Locale.ROOT));
    }
    return List.copyOf(words);
  }
}
