package org.aigrid.live.up;

import java.io.IOException;
import java.net.URI;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.PosixFilePermissions;
import org.jspecify.annotations.Nullable;
import tools.jackson.core.JacksonException;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.ObjectMapper;
import tools.jackson.databind.node.ObjectNode;

/// What a running `grid up` leaves for the other commands, so that `chat`, `replay` and `sites`
/// need no options: a file that only its owner can read, removed when the grid ends. Immutable.
///
/// @param url the gateway's base
/// @param adminPort loopback port of the admin endpoint, or 0 when there is none
/// @param key the key that was generated for this run, or null when a person chose the keys
/// @param pid process of the grid
/// @param adminToken what the admin endpoint asks for, or null when it asks for nothing
record Session(
    URI url, int adminPort, @Nullable String key, long pid, @Nullable String adminToken) {
  private static final ObjectMapper JSON = new ObjectMapper();

  Session(URI url, int adminPort, @Nullable String key, long pid) {
    this(url, adminPort, key, pid, null);
  }

  /// `.grid/up.json` beside the launcher, or in the current folder without one.
  static Path file() {
    return Path.of(System.getProperty("grid.root", "."), ".grid", "up.json");
  }

  /// The session of the grid that was started last, or null when there is none.
  static @Nullable Session read(Path file) {
    try {
      JsonNode json = JSON.readTree(Files.readString(file));
      return new Session(
          URI.create(json.path("url").asString("")),
          json.path("adminPort").asInt(0),
          json.path("key").isString() ? json.path("key").stringValue() : null,
          json.path("pid").asLong(0),
          json.path("adminToken").isString() ? json.path("adminToken").stringValue() : null);
    } catch (IOException | JacksonException | IllegalArgumentException e) {
      return null;
    }
  }

  void write(Path file) throws IOException {
    ObjectNode json = JSON.createObjectNode();
    json.put("url", url.toString());
    json.put("adminPort", adminPort);
    if (key != null) {
      json.put("key", key);
    }
    json.put("pid", pid);
    if (adminToken != null) {
      json.put("adminToken", adminToken);
    }
    Path folder = file.toAbsolutePath().getParent();
    if (folder != null) {
      Files.createDirectories(folder);
    }
    Path fresh = Path.of(file + "." + pid);
    Files.deleteIfExists(fresh);
    if (file.getFileSystem().supportedFileAttributeViews().contains("posix")) {
      Files.createFile(
          fresh,
          PosixFilePermissions.asFileAttribute(PosixFilePermissions.fromString("rw-------")));
    }
    Files.writeString(fresh, json.toPrettyString());
    Files.move(
        fresh,
        file,
        java.nio.file.StandardCopyOption.ATOMIC_MOVE,
        java.nio.file.StandardCopyOption.REPLACE_EXISTING);
  }

  /// Removes the file when it is still this session's.
  void remove(Path file) throws IOException {
    Session now = read(file);
    if (now != null && now.pid() == pid) {
      Files.deleteIfExists(file);
    }
  }
}
