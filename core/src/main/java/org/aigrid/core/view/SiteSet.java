package org.aigrid.core.view;

import java.util.Arrays;
import org.jspecify.annotations.Nullable;

/// A set of sites of one roster: those whose class is in it. Immutable, safe to share.
///
/// Sites fall into few classes (of the same jurisdiction, operator, tier, ...), so a set is a bit a
/// class beside one array that all sets of a roster share; to ask for a site costs two reads. A
/// site that the array does not know, since it joined later, is in no set.
public final class SiteSet {
  /// No site.
  public static final SiteSet NONE = new SiteSet(new int[0], new long[0]);

  private final int[] classOfSite;
  private final long[] bits;

  /// @param classOfSite class of each site by its dense index; shared, not copied
  /// @param bits a bit for each class that is in the set; shared, not copied
  public SiteSet(int[] classOfSite, long[] bits) {
    this.classOfSite = classOfSite;
    this.bits = bits;
  }

  /// Whether a site is in it.
  public boolean contains(int site) {
    if (site < 0 || site >= classOfSite.length) {
      return false;
    }
    return hasBit(bits, classOfSite[site]);
  }

  /// Whether no site's class is in it.
  public boolean isEmpty() {
    for (long word : bits) {
      if (word != 0) {
        return false;
      }
    }
    return true;
  }

  /// How many sites are in it; looks at every site.
  public int count() {
    int count = 0;
    for (int ofSite : classOfSite) {
      count += hasBit(bits, ofSite) ? 1 : 0;
    }
    return count;
  }

  private static boolean hasBit(long[] bits, int index) {
    int word = index >>> 6;
    return word < bits.length && (bits[word] >>> index & 1) != 0;
  }

  /// Equal sets hold the same classes of the same array.
  @Override
  public boolean equals(@Nullable Object other) {
    return other instanceof SiteSet set
        && set.classOfSite == classOfSite
        && Arrays.equals(set.bits, bits);
  }

  @Override
  public int hashCode() {
    return Arrays.hashCode(bits);
  }
}
