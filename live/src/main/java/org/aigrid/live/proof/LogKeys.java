package org.aigrid.live.proof;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.PosixFilePermission;
import java.security.GeneralSecurityException;
import java.security.KeyFactory;
import java.security.KeyPair;
import java.security.KeyPairGenerator;
import java.security.PrivateKey;
import java.security.PublicKey;
import java.security.SecureRandom;
import java.security.spec.PKCS8EncodedKeySpec;
import java.security.spec.X509EncodedKeySpec;
import java.util.List;
import java.util.Set;
import org.aigrid.live.tlog.KeyType;
import org.aigrid.live.tlog.NoteKey;
import org.aigrid.live.tlog.NoteSignature;
import org.aigrid.live.tlog.NoteSigner;

/// The keys of a log or of a witness, an Ed25519 and an ML-DSA-44 pair, and the secret of the keyed
/// digests, in a folder that only its owner can read. Made on first use. Immutable.
///
/// The folder is the log's memory too (`SignedMemory`): what a key has signed is remembered beside
/// the key, so that a log whose files were put back to an older state finds out.
public final class LogKeys {
  private static final String SECRET_FILE = "digest.secret";
  private static final int SECRET_BYTES = 32;
  private static final Set<PosixFilePermission> OWNERS_ONLY =
      Set.of(
          PosixFilePermission.OWNER_READ,
          PosixFilePermission.OWNER_WRITE,
          PosixFilePermission.OWNER_EXECUTE);

  /// Who signs with the keys.
  public enum Role {
    LOG(KeyType.ED25519),
    WITNESS(KeyType.ED25519_COSIGNATURE);

    private final KeyType ed25519;

    Role(KeyType ed25519) {
      this.ed25519 = ed25519;
    }
  }

  private final NoteSigner ed25519;
  private final NoteSigner mlDsa44;
  private final byte[] digestSecret;

  private LogKeys(NoteSigner ed25519, NoteSigner mlDsa44, byte[] digestSecret) {
    this.ed25519 = ed25519;
    this.mlDsa44 = mlDsa44;
    this.digestSecret = digestSecret;
  }

  /// Reads the keys of a folder, or makes them. Keys that others can read, or that are broken, are
  /// refused.
  ///
  /// @param name under which they sign: a log's origin, or a witness's name
  public static LogKeys open(Path folder, String name, Role role) throws IOException {
    return open(folder, name, role, new DurableFiles(folder.resolve("tmp"), step -> {}));
  }

  static LogKeys open(Path folder, String name, Role role, DurableFiles files) throws IOException {
    DurableFiles.createFolder(folder);
    return new LogKeys(
        signer(folder, "ed25519", name, role.ed25519, files),
        signer(folder, "ml-dsa-44", name, KeyType.ML_DSA_44_COSIGNATURE, files),
        secret(folder, files));
  }

  /// Whether the folder holds keys already.
  static boolean exist(Path folder) {
    return Files.exists(folder.resolve("ed25519.pkcs8"))
        && Files.exists(folder.resolve("ml-dsa-44.pkcs8"));
  }

  /// The secret of the keyed digests that lies in a folder of keys.
  public static byte[] readDigestSecret(Path folder) throws IOException {
    return Files.readAllBytes(folder.resolve(SECRET_FILE));
  }

  private static byte[] secret(Path folder, DurableFiles files) throws IOException {
    Path file = folder.resolve(SECRET_FILE);
    if (!Files.exists(file)) {
      var fresh = new byte[SECRET_BYTES];
      new SecureRandom().nextBytes(fresh);
      files.putForced(file, fresh);
    }
    checkPrivate(file);
    byte[] secret = Files.readAllBytes(file);
    if (secret.length != SECRET_BYTES) {
      throw new LogRefusedException(
          file + ": " + secret.length + " bytes (expected: " + SECRET_BYTES + ")");
    }
    return secret;
  }

  private static NoteSigner signer(
      Path folder, String stem, String name, KeyType type, DurableFiles files) throws IOException {
    Path secretFile = folder.resolve(stem + ".pkcs8");
    try {
      if (!Files.exists(secretFile)) {
        KeyPair pair = KeyPairGenerator.getInstance(type.algorithm()).generateKeyPair();
        // The private key last: where it lies, the pair is whole.
        files.putForced(folder.resolve(stem + ".spki"), pair.getPublic().getEncoded());
        files.putForced(secretFile, pair.getPrivate().getEncoded());
      }
      checkPrivate(secretFile);
      PrivateKey secret =
          KeyFactory.getInstance(type.algorithm())
              .generatePrivate(new PKCS8EncodedKeySpec(Files.readAllBytes(secretFile)));
      NoteKey key = NoteKey.of(name, type, publicKey(folder, stem, type));
      var signer = new NoteSigner(key, secret);
      checkPair(signer, name, folder, stem);
      return signer;
    } catch (GeneralSecurityException | IllegalArgumentException e) {
      throw new LogRefusedException(
          "the key pair "
              + stem
              + " in "
              + folder
              + " is broken: "
              + e.getMessage()
              + " (restore it from its backup)");
    }
  }

  private static PublicKey publicKey(Path folder, String stem, KeyType type)
      throws IOException, GeneralSecurityException {
    byte[] der = Files.readAllBytes(folder.resolve(stem + ".spki"));
    return KeyFactory.getInstance(type.algorithm()).generatePublic(new X509EncodedKeySpec(der));
  }

  /// A public key that is not its private key's would make a log whose signatures nobody can check.
  private static void checkPair(NoteSigner signer, String name, Path folder, String stem)
      throws LogRefusedException {
    String text = name + "\n0\n" + org.aigrid.live.tlog.Hash.OF_EMPTY_TREE.base64() + "\n";
    NoteSignature signature = signer.sign(text, 1);
    if (!signer.key().signed(text, signature.bytes())) {
      throw new LogRefusedException(
          folder + ": " + stem + ".spki is not the public key of " + stem + ".pkcs8");
    }
  }

  private static void checkPrivate(Path file) throws IOException {
    if (file.getFileSystem().supportedFileAttributeViews().contains("posix")
        && !OWNERS_ONLY.containsAll(Files.getPosixFilePermissions(file))) {
      throw new LogRefusedException(
          file
              + " can be read by others (expected: by its owner only; chmod 600, and think of"
              + " the key as known)");
    }
  }

  /// Ed25519 first, then ML-DSA-44.
  public List<NoteSigner> signers() {
    return List.of(ed25519, mlDsa44);
  }

  /// The keys that verifiers need.
  public List<NoteKey> publicKeys() {
    return List.of(ed25519.key(), mlDsa44.key());
  }

  /// Keyed digests and the pseudonym of a tenant.
  public TenantDigests digestsOf(String tenant) {
    return new TenantDigests(digestSecret, tenant);
  }

  /// A policy file that believes these keys and asks for no witness.
  public String policyText() {
    var text =
        new StringBuilder(
            "# Whom to believe (c2sp.org/tlog-policy). Get it by a way that you trust.\n");
    publicKeys().forEach(key -> text.append("log ").append(key.vkey()).append('\n'));
    return text.append("quorum none\n").toString();
  }
}
