package org.aigrid.core.residency;

import java.util.ArrayList;
import java.util.Collection;
import java.util.HashMap;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.function.Function;
import org.aigrid.core.model.LocationLevel;
import org.aigrid.core.model.SiteSpec;
import org.aigrid.core.policy.SiteFacts;
import org.aigrid.core.view.Roster;
import org.jspecify.annotations.Nullable;

/// The sites of a roster in classes that no policy tells apart: same jurisdiction, operator, tier
/// and level. A site that some policy names has a class of its own. Immutable, safe to share.
///
/// Four bytes a site and some 60 bytes a class; made anew for each roster, and when a policy begins
/// to name a site. Class 0 is that of sites that have left: permitted to nobody.
public final class SiteClasses {
  private static final int NO_SITE = 0;

  private final Roster roster;
  private final int[] classOfSite;
  private final List<SiteFacts> facts;
  private final Set<String> named;
  private final boolean eachItsOwn;

  private SiteClasses(
      Roster roster,
      int[] classOfSite,
      List<SiteFacts> facts,
      Set<String> named,
      boolean eachItsOwn) {
    this.roster = roster;
    this.classOfSite = classOfSite;
    this.facts = List.copyOf(facts);
    this.named = Set.copyOf(named);
    this.eachItsOwn = eachItsOwn;
  }

  /// The classes of a roster's sites, for the policies of these residencies.
  ///
  /// @param level how well a site's place is known; null for a site of which that is not known
  public static SiteClasses of(
      Roster roster,
      Function<SiteSpec, @Nullable LocationLevel> level,
      Collection<Residency> residencies) {
    var named = new HashSet<String>();
    boolean eachItsOwn = false;
    for (Residency residency : residencies) {
      named.addAll(residency.siteIds());
      eachItsOwn |= residency.readsSiteIds();
    }
    var facts = new ArrayList<SiteFacts>();
    facts.add(new SiteFacts(null, null, null, null, null));
    int[] classOfSite = new int[roster.siteCount()];
    Map<SiteFacts, Integer> known = new HashMap<>();
    for (int site = 0; site < classOfSite.length; site++) {
      SiteSpec spec = roster.siteSpec(site);
      if (spec == null) {
        classOfSite[site] = NO_SITE;
        continue;
      }
      SiteFacts own = SiteFacts.of(spec, level.apply(spec));
      boolean alone = eachItsOwn || named.contains(spec.id());
      SiteFacts key =
          alone
              ? own
              : new SiteFacts("", own.jurisdiction(), own.operator(), own.tier(), own.level());
      Integer found = known.get(key);
      if (found == null) {
        found = facts.size();
        facts.add(key);
        known.put(key, found);
      }
      classOfSite[site] = found;
    }
    return new SiteClasses(roster, classOfSite, facts, named, eachItsOwn);
  }

  /// Whether the policies of a residency tell apart no two sites of one class. Where not, classes
  /// have to be made anew.
  public boolean suits(Residency residency) {
    return eachItsOwn || (!residency.readsSiteIds() && named.containsAll(residency.siteIds()));
  }

  public Roster roster() {
    return roster;
  }

  /// How many classes there are.
  public int count() {
    return facts.size();
  }

  /// What the sites of a class have in common. The id of a class of more than one site is empty.
  public SiteFacts facts(int ofClass) {
    return facts.get(ofClass);
  }

  /// The class of a site; 0, which is permitted to nobody, for one that is not in the roster.
  public int classOf(int site) {
    return site < 0 || site >= classOfSite.length ? NO_SITE : classOfSite[site];
  }

  /// Shared with the sets that are made of it; nobody writes to it.
  int[] classOfSite() {
    return classOfSite;
  }
}
