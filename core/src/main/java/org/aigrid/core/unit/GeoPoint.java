package org.aigrid.core.unit;

/// A place on Earth in degrees, WGS 84. Immutable.
public record GeoPoint(double latitudeDegrees, double longitudeDegrees) {
  /// Mean radius (IUGG).
  public static final double EARTH_RADIUS_KM = 6371.0088;

  public GeoPoint {
    if (!(latitudeDegrees >= -90 && latitudeDegrees <= 90)) {
      throw new IllegalArgumentException(
          "latitudeDegrees: " + latitudeDegrees + " (expected: -90 to 90)");
    }
    if (!(longitudeDegrees >= -180 && longitudeDegrees <= 180)) {
      throw new IllegalArgumentException(
          "longitudeDegrees: " + longitudeDegrees + " (expected: -180 to 180)");
    }
  }

  /// Great-circle distance (haversine), about 60 ns.
  public double distanceKm(GeoPoint other) {
    return distanceKm(
        latitudeDegrees, longitudeDegrees, other.latitudeDegrees, other.longitudeDegrees);
  }

  /// The same on plain degrees, for columns.
  public static double distanceKm(
      double latitudeA, double longitudeA, double latitudeB, double longitudeB) {
    double phiA = Math.toRadians(latitudeA);
    double phiB = Math.toRadians(latitudeB);
    double sinPhi = Math.sin((phiB - phiA) / 2);
    double sinLambda = Math.sin(Math.toRadians(longitudeB - longitudeA) / 2);
    double h = sinPhi * sinPhi + Math.cos(phiA) * Math.cos(phiB) * sinLambda * sinLambda;
    return 2 * EARTH_RADIUS_KM * Math.asin(Math.sqrt(Math.min(1, h)));
  }
}
