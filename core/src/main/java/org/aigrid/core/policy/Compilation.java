package org.aigrid.core.policy;

import java.util.List;

/// What became of a policy text: all of it is accepted, or nothing.
public sealed interface Compilation {
  /// Every policy is well formed and well typed.
  ///
  /// @param set ready to use
  /// @param remarks what its author may not have meant; empty when there is nothing to say
  record Accepted(PolicySet set, List<PolicyNote> remarks) implements Compilation {
    public Accepted {
      remarks = List.copyOf(remarks);
    }
  }

  /// Something is wrong; nothing of the text applies.
  ///
  /// @param mistakes in the order of the text, at least one and at most `PolicySet.MISTAKES_MAX`
  record Refused(List<PolicyNote> mistakes) implements Compilation {
    public Refused {
      mistakes = List.copyOf(mistakes);
    }
  }
}
