package org.aigrid.core.admit;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.EnumSet;
import java.util.Set;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.EnumSource;

class RoleTest {
  @ParameterizedTest(name = "{0}: asks models {1}, reads usage {2}")
  @CsvSource({
    "owner, true, true",
    "admin, true, true",
    "member, true, false",
    "auditor, false, true",
    "none, false, false"
  })
  void aRoleOpensWhatItsTableSays(String word, boolean inference, boolean usage) {
    Role role = Role.of(word);
    assertThat(role).isNotNull();
    if (role != null) {
      assertThat(role.may(Scope.INFERENCE)).isEqualTo(inference);
      assertThat(role.may(Scope.USAGE)).isEqualTo(usage);
      assertThat(role.word()).isEqualTo(word);
    }
  }

  @Test
  void onlyWrittenAsItIsSpelt() {
    for (String wrong : new String[] {"", "Owner", "OWNER", "owner ", "root"}) {
      assertThat(Role.of(wrong)).as("'%s'", wrong).isNull();
    }
    for (String wrong : new String[] {"", "batch", "Inference", "usage "}) {
      assertThat(Scope.of(wrong)).as("'%s'", wrong).isNull();
    }
  }

  @Test
  void aPersonsOwnRoleWinsAndSilenceMeansMember() {
    assertThat(Role.inForce(null, null)).isEqualTo(Role.MEMBER);
    assertThat(Role.inForce(null, Role.NONE)).isEqualTo(Role.NONE);
    for (Role own : Role.values()) {
      for (Role rest : Role.values()) {
        assertThat(Role.inForce(own, rest)).isEqualTo(own);
      }
    }
  }

  @ParameterizedTest
  @EnumSource
  void everyScopeHasAWordOfItsOwnAndSomebodyWhoHasIt(Scope scope) {
    assertThat(Scope.of(scope.word())).isEqualTo(scope);
    assertThat(EnumSet.allOf(Role.class)).anyMatch(role -> role.may(scope));
    assertThat(Set.copyOf(Role.NONE.scopes())).doesNotContain(scope);
  }
}
