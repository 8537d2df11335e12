package org.aigrid.core.policy;

import java.util.List;
import org.aigrid.core.model.ServiceTier;
import org.jspecify.annotations.Nullable;

/// On whose behalf something runs: a tenant, or one of its projects. Immutable.
///
/// @param tenant the tenant's id
/// @param project the project's name within the tenant, or null when the request is the tenant's
///   own
/// @param home the jurisdiction the tenant belongs to (ISO 3166-1 alpha-2), or null when nobody
///   recorded it: then nothing is permitted that asks for it
/// @param tier the most urgent class the tenant may use
/// @param tags what the operator calls it besides, such as `ministry`; at most `TAGS_MAX`, kept
///   sorted and each once
public record Principal(
    String tenant,
    @Nullable String project,
    @Nullable String home,
    ServiceTier tier,
    List<String> tags) {
  /// Tags that one principal can carry.
  public static final int TAGS_MAX = 64;

  public Principal {
    if (tenant.isBlank() || (project != null && project.isBlank())) {
      throw new IllegalArgumentException(
          "tenant '" + tenant + "', project '" + project + "' (expected: neither is blank)");
    }
    if (tags.size() > TAGS_MAX) {
      throw new IllegalArgumentException(
          "tags of tenant "
              + tenant
              + ": "
              + tags.size()
              + " (expected: at most "
              + TAGS_MAX
              + ")");
    }
    tags = tags.stream().distinct().sorted().toList();
  }

  /// A tenant without project and tags, of the standard tier.
  public static Principal tenant(String tenant, @Nullable String home) {
    return new Principal(tenant, null, home, ServiceTier.STANDARD, List.of());
  }

  /// `tenant`, or `tenant/project`.
  public String id() {
    return project == null ? tenant : tenant + "/" + project;
  }
}
