package org.aigrid.core.admit;

import java.util.List;
import java.util.Locale;
import org.jspecify.annotations.Nullable;

/// What a person is in a tenant, and thereby what a token of theirs opens at a gateway: the whole
/// decision. Immutable, free of cost.
///
/// | role | asks models | reads the tenant's usage |
/// |---|---|---|
/// | owner, admin | yes | yes |
/// | member | yes | no |
/// | auditor | no | yes |
/// | none | no | no |
public enum Role {
  OWNER(Scope.INFERENCE, Scope.USAGE),
  ADMIN(Scope.INFERENCE, Scope.USAGE),
  MEMBER(Scope.INFERENCE),
  AUDITOR(Scope.USAGE),
  /// Taken away: nothing. Something else than a person of whom nothing was ever said.
  NONE();

  /// Stands for everybody of a tenant who has no role of their own.
  public static final String EVERYBODY_ELSE = "*";

  private final List<Scope> scopes;

  Role(Scope... scopes) {
    this.scopes = List.of(scopes);
  }

  /// What it opens.
  public List<Scope> scopes() {
    return scopes;
  }

  /// Whether it opens that.
  public boolean may(Scope scope) {
    return scopes.contains(scope);
  }

  /// As people write it.
  public String word() {
    return name().toLowerCase(Locale.ROOT);
  }

  /// The role of a word, or null for one that is no role.
  public static @Nullable Role of(String word) {
    for (Role role : values()) {
      if (role.word().equals(word)) {
        return role;
      }
    }
    return null;
  }

  /// The role that holds for a person: their own; else what the tenant gives everybody else; else a
  /// member's, since the tenant's identity provider has vouched for them.
  ///
  /// @param own of the person in the tenant; null when nothing was said of them
  /// @param everybodyElse of the tenant; null when nothing was said
  public static Role inForce(@Nullable Role own, @Nullable Role everybodyElse) {
    return own != null ? own : everybodyElse != null ? everybodyElse : MEMBER;
  }
}
