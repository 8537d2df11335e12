package org.aigrid.bench;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.FileVisitResult;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.SimpleFileVisitor;
import java.nio.file.attribute.BasicFileAttributes;
import java.util.ArrayList;
import java.util.List;
import java.util.Set;

/// The files of this repository as a reader of a fresh clone sees them: build output, downloads and
/// run-time data are left out. Immutable.
record Repository(Path root, List<Path> files) {
  private static final Set<String> NOT_OURS =
      Set.of(".git", "target", "node_modules", ".grid", ".idea", ".vscode");

  static Repository open() {
    String root = System.getProperty("grid.root");
    if (root == null) {
      throw new IllegalStateException(
          "system property grid.root is not set (expected: the repository's folder; Maven sets it)");
    }
    return at(Path.of(root));
  }

  static Repository at(Path root) {
    var found = new ArrayList<Path>();
    try {
      Files.walkFileTree(
          root,
          new SimpleFileVisitor<>() {
            @Override
            public FileVisitResult preVisitDirectory(Path folder, BasicFileAttributes attributes) {
              boolean runTimeData = folder.equals(root.resolve("data"));
              return runTimeData || NOT_OURS.contains(folder.getFileName().toString())
                  ? FileVisitResult.SKIP_SUBTREE
                  : FileVisitResult.CONTINUE;
            }

            @Override
            public FileVisitResult visitFile(Path file, BasicFileAttributes attributes) {
              if (!file.getFileName().toString().equals(".git")) {
                found.add(file);
              }
              return FileVisitResult.CONTINUE;
            }
          });
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
    found.sort(null);
    return new Repository(root, List.copyOf(found));
  }

  List<Path> endingWith(String... endings) {
    return files.stream()
        .filter(
            file -> {
              String name = file.getFileName().toString();
              for (String ending : endings) {
                if (name.endsWith(ending)) {
                  return true;
                }
              }
              return false;
            })
        .toList();
  }

  String relative(Path file) {
    return root.relativize(file).toString();
  }

  static String text(Path file) {
    try {
      return Files.readString(file);
    } catch (IOException e) {
      throw new UncheckedIOException("not UTF-8 text: " + file, e);
    }
  }
}
