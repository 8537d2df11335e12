package org.aigrid.core.policy;

import java.util.Arrays;
import java.util.List;
import org.jspecify.annotations.Nullable;

/// What a policy can name with `Kind::"id"`.
enum EntityKind {
  TENANT("Tenant"),
  PROJECT("Project"),
  ACTION("Action"),
  SITE("Site"),
  JURISDICTION("Jurisdiction"),
  OPERATOR("Operator");

  final String word;

  EntityKind(String word) {
    this.word = word;
  }

  static @Nullable EntityKind of(String word) {
    return Arrays.stream(values()).filter(kind -> kind.word.equals(word)).findFirst().orElse(null);
  }

  static List<String> words() {
    return Arrays.stream(values()).map(kind -> kind.word).toList();
  }
}
