package org.aigrid.live.policy;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Comparator;
import java.util.List;
import java.util.Locale;
import org.aigrid.config.Problem;
import org.aigrid.config.Section;
import org.aigrid.core.model.LocationLevel;
import org.aigrid.core.model.ServiceTier;
import org.aigrid.core.model.Tier;
import org.aigrid.core.policy.PolicyAction;
import org.aigrid.core.policy.PolicyExplanation;
import org.aigrid.core.policy.PolicySet;
import org.aigrid.core.policy.Principal;
import org.aigrid.core.policy.RequestFacts;
import org.aigrid.core.policy.SiteFacts;
import org.aigrid.core.residency.Narrowing;
import org.aigrid.core.residency.Residency;
import org.aigrid.core.residency.ResidencyExplanation;
import org.jspecify.annotations.Nullable;

/// What people expect of their policies, written down: a TOML file of cases, each a question and
/// the answer that it has to have.
///
/// ```toml
/// policy = ["messenger.cedar"]       # layers, relative to this file; every one has to permit
///
/// [defaults]                         # any key of a case
/// tenant = "messenger"
/// home = "JP"
///
/// [[case]]
/// name = "chats stay in Japan"
/// project = "chat"
/// jurisdiction = "US"                # the site's
/// operator = "partner"
/// expect = "deny"                    # or "permit"
/// by = "chats stay home"             # optional: the id of a policy that decides
/// ```
public final class PolicyTests {
  private static final List<String> EXPECTATIONS = List.of("permit", "deny");

  /// A question and the answer it has to have.
  ///
  /// @param line where it stands in its file
  /// @param by the id of a policy that has to be among those that decide, or null
  public record Case(
      String name,
      int line,
      Principal principal,
      @Nullable List<String> keyJurisdictions,
      PolicyAction action,
      SiteFacts site,
      RequestFacts request,
      boolean permitted,
      @Nullable String by) {
    /// Asks it of layers of policies.
    Result ask(List<PolicySet> layers) {
      ResidencyExplanation found =
          new Residency(principal, layers, keyJurisdictions).explain(action, site, request);
      boolean as = found.verdict().permitted() == permitted;
      if (as && by != null) {
        as =
            found.layers().stream()
                .map(PolicyExplanation::decisive)
                .flatMap(List::stream)
                .anyMatch(policy -> policy.id().equals(by));
      }
      return new Result(this, as, found.sentence());
    }
  }

  /// What came of a case.
  ///
  /// @param asExpected whether the answer and the policy that gave it are the expected ones
  /// @param sentence the answer, for people
  public record Result(Case of, boolean asExpected, String sentence) {}

  private final String file;
  private final List<Problem> problems = new ArrayList<>();

  private PolicyTests(String file) {
    this.file = file;
  }

  /// Reads a file of cases and the policies that it names, and asks every case.
  public static List<Result> run(Path path) throws IOException, PolicyException {
    return new PolicyTests(path.toString()).read(path);
  }

  private List<Result> read(Path path) throws IOException, PolicyException {
    Section root = Section.parse(file, Files.readString(path), problems);
    throwIfAny();
    if (root == null) {
      throw new IllegalStateException("a text without problems was not read");
    }
    List<String> names =
        root.texts("policy"); // a single text would be a problem that says what is expected
    Section defaults = root.optionalSection("defaults");
    var cases = new ArrayList<Case>();
    for (Section section : root.sections("case", "one [[case]] or more")) {
      Case read = new CaseReader(section, defaults).read();
      if (read != null) {
        cases.add(read);
      }
    }
    if (defaults != null) {
      defaults.reportUnknownKeys();
    }
    root.reportUnknownKeys();
    throwIfAny();
    var layers = new ArrayList<PolicySet>();
    for (String name : names) {
      Path policy = path.resolveSibling(name);
      if (!Files.isReadable(policy)) {
        problems.add(
            new Problem(
                file,
                root.line("policy"),
                1,
                "policy: cannot read " + policy + " (expected: a file)"));
        throwIfAny();
      }
      layers.add(PolicyFile.read(policy).set());
    }
    return cases.stream().map(one -> one.ask(layers)).toList();
  }

  private void throwIfAny() throws PolicyException {
    if (!problems.isEmpty()) {
      problems.sort(Comparator.comparingInt(Problem::line).thenComparingInt(Problem::column));
      throw PolicyException.of(problems);
    }
  }

  /// Reads one case; a key that it lacks is looked for among the defaults.
  private final class CaseReader {
    private final Section section;
    private final @Nullable Section defaults;
    private final int problemsBefore = problems.size();

    CaseReader(Section section, @Nullable Section defaults) {
      this.section = section;
      this.defaults = defaults;
    }

    @Nullable Case read() {
      String name = section.text("name");
      String tenant = needed("tenant");
      String expect = needed("expect");
      if (expect != null && !EXPECTATIONS.contains(expect)) {
        section.problem("expect", "'" + expect + "' (expected: permit or deny)");
      }
      PolicyAction action = word("action", PolicyAction.values(), PolicyAction.INFER);
      ServiceTier tier = word("tier", ServiceTier.values(), ServiceTier.STANDARD);
      ServiceTier requestTier = word("service-tier", ServiceTier.values(), ServiceTier.STANDARD);
      Tier siteTier = word("site-tier", Tier.values(), Tier.CELL);
      LocationLevel level = word("level", LocationLevel.values(), LocationLevel.L1);
      var site =
          new SiteFacts(
              or("site", "a-site"),
              or("jurisdiction", ""),
              or("operator", "an operator"),
              siteTier,
              level);
      List<String> key = list("key-jurisdictions");
      List<String> narrowed = list("residency");
      var request = new RequestFacts(requestTier, or("model", "a model"), narrowed);
      List<String> tags = texts("tags");
      String project = optional("project");
      String home = optional("home");
      if (tags.size() > Principal.TAGS_MAX) {
        section.problem("tags", tags.size() + " (expected: at most " + Principal.TAGS_MAX + ")");
      }
      String by = optional("by");
      section.reportUnknownKeys();
      if (problems.size() > problemsBefore || name == null || tenant == null || expect == null) {
        return null;
      }
      return new Case(
          name,
          section.line("name"),
          new Principal(tenant, project, home, tier, tags),
          key,
          action,
          site,
          request,
          expect.equals("permit"),
          by);
    }

    private Section holder(String key) {
      boolean here = section.has(key);
      return !here && defaults != null && defaults.has(key) ? defaults : section;
    }

    private @Nullable String optional(String key) {
      return holder(key).optionalText(key);
    }

    private String or(String key, String otherwise) {
      String found = optional(key);
      return found == null ? otherwise : found;
    }

    private @Nullable String needed(String key) {
      return holder(key).text(key);
    }

    private List<String> texts(String key) {
      return holder(key).texts(key);
    }

    /// Jurisdictions, or null where the key is missing.
    private @Nullable List<String> list(String key) {
      Section holder = holder(key);
      if (!holder.has(key)) {
        return null;
      }
      List<String> texts = holder.texts(key);
      List<String> parsed = texts.isEmpty() ? texts : Narrowing.parse(String.join(",", texts));
      if (parsed == null) {
        holder.problem(
            key, texts + " (expected: two-letter codes of ISO 3166-1, such as [\"JP\"])");
      }
      return parsed;
    }

    private <E extends Enum<E>> E word(String key, E[] values, E otherwise) {
      Section holder = holder(key);
      String text = holder.optionalText(key);
      if (text == null) {
        return otherwise;
      }
      for (E value : values) {
        if (value.name().equalsIgnoreCase(text)) {
          return value;
        }
      }
      holder.problem(
          key,
          "'"
              + text
              + "' (expected: one of "
              + String.join(
                  ", ", Arrays.stream(values).map(v -> v.name().toLowerCase(Locale.ROOT)).toList())
              + ")");
      return otherwise;
    }
  }
}
