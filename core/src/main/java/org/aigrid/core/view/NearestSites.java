package org.aigrid.core.view;

/// Nearest-neighbour search over points on the sphere: a k-d tree laid out implicitly in arrays,
/// over unit vectors, so that chord order is great-circle order and the date line needs no special
/// case. Immutable after construction. Building: O(n log n), about 0.1 s for 200,000 points; a
/// search for 8 neighbours: 1 to 3 us. Not for the request path: the roster keeps the answers.
final class NearestSites {
  private final int[] siteOfSlot;
  private final double[] coordinates; // x, y, z of each slot

  /// @param sites the sites to be found, by dense index
  /// @param latitudeDegrees column of all sites
  /// @param longitudeDegrees column of all sites
  NearestSites(int[] sites, double[] latitudeDegrees, double[] longitudeDegrees) {
    siteOfSlot = sites.clone();
    coordinates = new double[3 * sites.length];
    for (int slot = 0; slot < sites.length; slot++) {
      unitVector(
          latitudeDegrees[sites[slot]], longitudeDegrees[sites[slot]], coordinates, 3 * slot);
    }
    build(0, sites.length, 0);
  }

  static void unitVector(double latitudeDegrees, double longitudeDegrees, double[] into, int at) {
    double phi = Math.toRadians(latitudeDegrees);
    double lambda = Math.toRadians(longitudeDegrees);
    into[at] = Math.cos(phi) * Math.cos(lambda);
    into[at + 1] = Math.cos(phi) * Math.sin(lambda);
    into[at + 2] = Math.sin(phi);
  }

  /// Fills `found` with the nearest sites, nearest first, ties by index, without `except`; returns
  /// how many.
  int search(double latitudeDegrees, double longitudeDegrees, int except, int[] found) {
    var query = new Query(new double[3], except, found, new double[found.length]);
    unitVector(latitudeDegrees, longitudeDegrees, query.point, 0);
    visit(query, 0, siteOfSlot.length, 0);
    return query.count;
  }

  private static final class Query {
    final double[] point;
    final int except;
    final int[] found;
    final double[] squares;
    int count;

    Query(double[] point, int except, int[] found, double[] squares) {
      this.point = point;
      this.except = except;
      this.found = found;
      this.squares = squares;
    }

    boolean mayHoldNearer(double square) {
      return count < found.length || square <= squares[count - 1];
    }

    void offer(int site, double square) {
      if (site == except || found.length == 0) {
        return;
      }
      int at = count;
      while (at > 0
          && (square < squares[at - 1] || (square == squares[at - 1] && site < found[at - 1]))) {
        at--;
      }
      if (at == found.length) {
        return;
      }
      int moved = Math.min(count, found.length - 1) - at;
      System.arraycopy(found, at, found, at + 1, moved);
      System.arraycopy(squares, at, squares, at + 1, moved);
      found[at] = site;
      squares[at] = square;
      count = Math.min(count + 1, found.length);
    }
  }

  private void visit(Query query, int from, int to, int axis) {
    if (from >= to) {
      return;
    }
    int middle = (from + to) >>> 1;
    double dx = coordinates[3 * middle] - query.point[0];
    double dy = coordinates[3 * middle + 1] - query.point[1];
    double dz = coordinates[3 * middle + 2] - query.point[2];
    query.offer(siteOfSlot[middle], dx * dx + dy * dy + dz * dz);
    double toPlane = query.point[axis] - coordinates[3 * middle + axis];
    int next = axis == 2 ? 0 : axis + 1;
    if (toPlane < 0) {
      visit(query, from, middle, next);
      if (query.mayHoldNearer(toPlane * toPlane)) {
        visit(query, middle + 1, to, next);
      }
    } else {
      visit(query, middle + 1, to, next);
      if (query.mayHoldNearer(toPlane * toPlane)) {
        visit(query, from, middle, next);
      }
    }
  }

  private void build(int from, int to, int axis) {
    if (to - from < 2) {
      return;
    }
    int middle = (from + to) >>> 1;
    select(from, to - 1, middle, axis);
    int next = axis == 2 ? 0 : axis + 1;
    build(from, middle, next);
    build(middle + 1, to, next);
  }

  /// Quickselect: afterwards nothing left of `target` is greater on `axis`, nothing right is less.
  private void select(int low, int high, int target, int axis) {
    while (low < high) {
      double pivot = coordinates[3 * ((low + high) >>> 1) + axis];
      int i = low;
      int j = high;
      while (i <= j) {
        while (coordinates[3 * i + axis] < pivot) {
          i++;
        }
        while (coordinates[3 * j + axis] > pivot) {
          j--;
        }
        if (i <= j) {
          swap(i++, j--);
        }
      }
      if (target <= j) {
        high = j;
      } else if (target >= i) {
        low = i;
      } else {
        return;
      }
    }
  }

  private void swap(int a, int b) {
    int site = siteOfSlot[a];
    siteOfSlot[a] = siteOfSlot[b];
    siteOfSlot[b] = site;
    for (int axis = 0; axis < 3; axis++) {
      double kept = coordinates[3 * a + axis];
      coordinates[3 * a + axis] = coordinates[3 * b + axis];
      coordinates[3 * b + axis] = kept;
    }
  }
}
