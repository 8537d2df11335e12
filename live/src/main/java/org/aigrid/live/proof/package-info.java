/// Proof of where requests ran: receipts, the transparency log that holds them, its keys and
/// witnesses, and the checks of an auditor. Files, HTTP and one writer thread around the formats of
/// `tlog`.
///
/// Starting points: `TransparencyLog` writes, `LogAudit` checks, `ProofAnswers` serves, `Receipt`
/// is what is proved. docs/proof.md says what a receipt proves and what it does not.
@NullMarked
package org.aigrid.live.proof;

import org.jspecify.annotations.NullMarked;
