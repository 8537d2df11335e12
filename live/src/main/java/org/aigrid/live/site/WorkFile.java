package org.aigrid.live.site;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.io.Writer;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.time.Instant;
import java.time.LocalDate;
import java.time.ZoneOffset;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.ArrayBlockingQueue;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicLong;
import org.aigrid.core.model.SiteSpec;
import org.aigrid.live.wire.WorkOrder;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/// The sites' own records as files: a line for each piece of work that a site took on, a file for
/// each UTC day, `work-2026-11-25.tsv`. What an auditor lays beside the receipts.
///
/// Columns, separated by tabs: time, site, jurisdiction, gateway, request, attempt, tenant,
/// project, action, service tier, narrowing. No content. One thread writes; beyond `QUEUE_MAX`
/// lines that wait, lines are dropped and counted, since a site's work does not wait for its paper.
/// The last second before a crash may be missing.
public final class WorkFile implements WorkLog, AutoCloseable {
  /// Lines that wait to be written.
  static final int QUEUE_MAX = 65_536;

  private static final Logger log = LoggerFactory.getLogger(WorkFile.class);
  private static final int LINES_MAX = 4_096;

  private record Line(long atMs, WorkOrder order, SiteSpec site) {}

  private final Path folder;
  private final ArrayBlockingQueue<Line> queue = new ArrayBlockingQueue<>(QUEUE_MAX);
  private final AtomicLong dropped = new AtomicLong();
  private final Thread thread;
  private volatile boolean closing;

  private WorkFile(Path folder) {
    this.folder = folder;
    thread = Thread.ofPlatform().daemon().name("site-records").unstarted(this::run);
  }

  /// @param folder is made if it is missing
  public static WorkFile open(Path folder) throws IOException {
    Files.createDirectories(folder);
    var file = new WorkFile(folder);
    file.thread.start();
    return file;
  }

  @Override
  public void took(WorkOrder order, SiteSpec site) {
    if (!queue.offer(new Line(System.currentTimeMillis(), order, site))
        && Long.bitCount(dropped.incrementAndGet()) == 1) {
      log.warn("{} lines of site records dropped so far: the disk is too slow", dropped.get());
    }
  }

  private void run() {
    List<Line> lines = new ArrayList<>();
    while (!closing || !queue.isEmpty()) {
      try {
        Line first = queue.poll(200, TimeUnit.MILLISECONDS);
        if (first != null) {
          lines.add(first);
          queue.drainTo(lines, LINES_MAX);
          write(lines);
        }
      } catch (InterruptedException e) {
        closing = true;
      } catch (IOException | UncheckedIOException e) {
        dropped.addAndGet(lines.size());
        log.warn("site records cannot be written to {}: {}", folder, e.getMessage());
      }
      lines.clear();
    }
  }

  private void write(List<Line> lines) throws IOException {
    int from = 0;
    while (from < lines.size()) {
      LocalDate day = day(lines.get(from));
      int to = from;
      while (to < lines.size() && day(lines.get(to)).equals(day)) {
        to++;
      }
      try (Writer out =
          Files.newBufferedWriter(
              folder.resolve("work-" + day + ".tsv"),
              StandardCharsets.UTF_8,
              StandardOpenOption.CREATE,
              StandardOpenOption.APPEND)) {
        for (Line line : lines.subList(from, to)) {
          out.write(text(line));
        }
      }
      from = to;
    }
  }

  private static LocalDate day(Line line) {
    return LocalDate.ofInstant(Instant.ofEpochMilli(line.atMs()), ZoneOffset.UTC);
  }

  private static String text(Line line) {
    WorkOrder order = line.order();
    return String.join(
            "\t",
            Instant.ofEpochMilli(line.atMs()).toString(),
            line.site().id(),
            line.site().jurisdiction(),
            order.gateway(),
            order.requestId(),
            Integer.toString(order.attempt()),
            order.tenant(),
            order.project(),
            order.action(),
            order.tier(),
            order.jurisdictions())
        + "\n";
  }

  /// Writes what waits, then ends.
  @Override
  public void close() {
    closing = true;
    try {
      thread.join();
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
    }
  }
}
