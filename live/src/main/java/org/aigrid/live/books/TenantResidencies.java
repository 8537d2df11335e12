package org.aigrid.live.books;

import java.nio.charset.StandardCharsets;
import java.security.MessageDigest;
import java.security.NoSuchAlgorithmException;
import java.util.ArrayList;
import java.util.HexFormat;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Map;
import java.util.concurrent.ConcurrentHashMap;
import org.aigrid.core.admit.Limits;
import org.aigrid.core.policy.Compilation;
import org.aigrid.core.policy.PolicySet;
import org.aigrid.core.policy.Principal;
import org.aigrid.core.residency.Narrowing;
import org.aigrid.core.residency.Residency;
import org.aigrid.core.residency.SiteClasses;
import org.aigrid.core.residency.SiteResidency;
import org.aigrid.core.view.Roster;
import org.aigrid.live.books.TenantDirectory.Project;
import org.aigrid.live.books.TenantDirectory.Tenant;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/// Where the work of each tenant and project may run, by the directory of now: compiled when first
/// asked for, forgotten when the directory changes. Gateways and sites ask the same questions of
/// their own copy. Safe for many threads; a look-up is two hash look-ups.
///
/// A tenant's policy and its project's both have to permit; their lists of jurisdictions bind
/// beside them. With neither, a tenant has the grid's home jurisdiction. A text that does not
/// compile permits nothing: it was checked when it was set, so this is a directory that somebody
/// else has written.
public final class TenantResidencies {
  private static final Logger log = LoggerFactory.getLogger(TenantResidencies.class);
  private static final PolicySet ANYWHERE = compiled("permit (principal, action, resource);");
  private static final PolicySet NOWHERE = compiled("forbid (principal, action, resource);");

  private final String home;
  private volatile Snapshot snapshot = new Snapshot(TenantDirectory.EMPTY);

  private static final class Snapshot {
    final TenantDirectory directory;
    final Map<String, Ruled> rules = new ConcurrentHashMap<>();

    Snapshot(TenantDirectory directory) {
      this.directory = directory;
    }
  }

  private static SiteClasses classes(Roster roster, List<Residency> residencies) {
    return SiteClasses.of(roster, site -> site.location().level(), residencies);
  }

  /// The classes of a roster's sites for all whose policies name no site: sets of sites of theirs
  /// are equal when they hold the same sites, whoever's they are.
  private static final class CommonClasses {
    private volatile @Nullable SiteClasses known;

    SiteClasses of(Roster roster) {
      SiteClasses now = known;
      if (now == null || now.roster() != roster) {
        now = classes(roster, List.of());
        known = now;
      }
      return now;
    }
  }

  /// The rules of one project of a tenant.
  public static final class Ruled {
    private final Residency residency;
    private final String version;
    private final CommonClasses common;
    private volatile @Nullable SiteResidency prepared;

    private Ruled(Residency residency, String version, CommonClasses common) {
      this.residency = residency;
      this.version = version;
      this.common = common;
    }

    public Residency residency() {
      return residency;
    }

    /// SHA-256 of the policies' one written form and of the lists beside them: what receipts name.
    public String version() {
      return version;
    }

    /// Prepared for a roster's sites; made anew when the roster is another one.
    public SiteResidency on(Roster roster) {
      SiteResidency known = prepared;
      if (known != null && known.classes().roster() == roster) {
        return known;
      }
      SiteClasses all = common.of(roster);
      SiteResidency made =
          residency.on(all.suits(residency) ? all : classes(roster, List.of(residency)));
      prepared = made;
      return made;
    }
  }

  private final CommonClasses common = new CommonClasses();

  /// @param home jurisdiction of tenants that have no policy: ISO 3166-1 alpha-2
  public TenantResidencies(String home) {
    this.home = home;
  }

  /// The rules of a project by the directory of now; null for a tenant or a project that it does
  /// not know or that is closed: nothing is permitted to it.
  public @Nullable Ruled of(TenantDirectory directory, String tenant, String project) {
    Snapshot now = snapshot;
    if (now.directory != directory) {
      now = new Snapshot(directory);
      snapshot = now;
    }
    Tenant whose = directory.tenant(tenant);
    Project part = directory.project(tenant, project);
    if (whose == null || part == null || !whose.active() || !part.active()) {
      return null;
    }
    String name = tenant + "/" + project;
    Ruled known = now.rules.get(name);
    return known != null ? known : now.rules.computeIfAbsent(name, _ -> rule(whose, part));
  }

  /// The versions that receipts name when a tenant or one of its projects has these policies: of
  /// the project; of a tenant first that of projects with no rules of their own, then those of the
  /// others, each once. None of a tenant or project that is not there.
  ///
  /// @param project null for the whole tenant
  public List<String> versions(TenantDirectory directory, String tenant, @Nullable String project) {
    Tenant whose = directory.tenant(tenant);
    if (whose == null) {
      return List.of();
    }
    if (project != null) {
      Project part = directory.project(tenant, project);
      return part == null ? List.of() : List.of(rule(whose, part).version());
    }
    var plain =
        new Project(tenant, Tenants.DEFAULT_PROJECT, true, Limits.NONE, null, List.of(), "");
    var versions = new LinkedHashSet<String>();
    versions.add(rule(whose, plain).version());
    directory.projects(tenant).forEach(part -> versions.add(rule(whose, part).version()));
    return List.copyOf(versions);
  }

  private Ruled rule(Tenant tenant, Project project) {
    var layers = new ArrayList<PolicySet>();
    for (String text : new String[] {tenant.policy(), project.policy()}) {
      if (!text.isBlank()) {
        layers.add(orNowhere(text, tenant.id() + "/" + project.id()));
      }
    }
    List<String> bound =
        Narrowing.both(orNull(tenant.jurisdictions()), orNull(project.jurisdictions()));
    if (layers.isEmpty() && bound != null) {
      layers.add(ANYWHERE); // the lists decide alone
    }
    var principal = new Principal(tenant.id(), project.id(), home, tenant.tierCeiling(), List.of());
    var written = new StringBuilder(home);
    written.append('\n').append(bound).append('\n');
    layers.forEach(layer -> written.append(layer.canonicalText()).append('\n'));
    return new Ruled(new Residency(principal, layers, bound), sha256(written.toString()), common);
  }

  private static @Nullable List<String> orNull(List<String> jurisdictions) {
    return jurisdictions.isEmpty() ? null : jurisdictions;
  }

  private static PolicySet orNowhere(String text, String whose) {
    return switch (PolicySet.compile(text)) {
      case Compilation.Accepted(PolicySet set, var _) -> set;
      case Compilation.Refused(var mistakes) -> {
        log.error(
            "the policy of {} permits nothing, since it is wrong: {}", whose, mistakes.getFirst());
        yield NOWHERE;
      }
    };
  }

  private static PolicySet compiled(String text) {
    return switch (PolicySet.compile(text)) {
      case Compilation.Accepted(PolicySet set, var _) -> set;
      case Compilation.Refused(var mistakes) -> throw new AssertionError(mistakes);
    };
  }

  private static String sha256(String text) {
    try {
      MessageDigest digest = MessageDigest.getInstance("SHA-256");
      return "sha256:"
          + HexFormat.of().formatHex(digest.digest(text.getBytes(StandardCharsets.UTF_8)));
    } catch (NoSuchAlgorithmException e) {
      throw new IllegalStateException("a JDK without SHA-256", e);
    }
  }
}
