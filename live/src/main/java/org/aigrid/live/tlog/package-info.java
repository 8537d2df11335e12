/// Transparency logs as formats and arithmetic, without files, sockets, clocks or threads: the
/// Merkle tree of RFC 6962, tiles, signed notes, checkpoints, cosignatures, offline proofs and
/// trust policies as C2SP writes them (c2sp.org: `tlog-tiles`, `signed-note`, `tlog-checkpoint`,
/// `tlog-cosignature`, `tlog-proof`, `tlog-policy`).
///
/// It would stand in core, but core may use no library, and SHA-256 and signatures are those of the
/// JDK's `java.security`. Starting points: `Frontier` grows a tree, `TreeProofs` makes and checks
/// proofs, `SignedNote` and `Checkpoint` say what a log stands for.
@NullMarked
package org.aigrid.live.tlog;

import org.jspecify.annotations.NullMarked;
