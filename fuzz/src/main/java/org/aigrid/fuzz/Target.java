package org.aigrid.fuzz;

import java.util.Locale;
import java.util.function.Consumer;
import org.aigrid.live.books.JournalTarget;
import org.aigrid.live.http.HttpTarget;
import org.aigrid.live.site.JsonTarget;

/// What can be fuzzed.
public enum Target {
  HTTP(HttpTarget.class, HttpTarget::fuzzerTestOneInput, "a connection's bytes: HTTP/1.1"),
  JSON(JsonTarget.class, JsonTarget::fuzzerTestOneInput, "request bodies and replays"),
  SSE(SseTarget.class, SseTarget::fuzzerTestOneInput, "streamed answers and their usage"),
  ORDER(OrderTarget.class, OrderTarget::fuzzerTestOneInput, "work orders at a site"),
  POLICY(PolicyTarget.class, PolicyTarget::fuzzerTestOneInput, "residency policies"),
  JOURNAL(JournalTarget.class, JournalTarget::fuzzerTestOneInput, "a gateway's journal"),
  LOG(LogTarget.class, LogTarget::fuzzerTestOneInput, "notes, checkpoints, tiles, proofs"),
  ADDRESS(AddressTarget.class, AddressTarget::fuzzerTestOneInput, "addresses to be called");

  private final Class<?> type;
  private final Consumer<byte[]> run;
  private final String about;

  Target(Class<?> type, Consumer<byte[]> run, String about) {
    this.type = type;
    this.run = run;
    this.about = about;
  }

  /// With the method that Jazzer calls.
  Class<?> type() {
    return type;
  }

  /// What it attacks, in a few words.
  String about() {
    return about;
  }

  /// Its name on the command line.
  String label() {
    return name().toLowerCase(Locale.ROOT);
  }

  /// Tries one input; a finding is whatever is thrown.
  void run(byte[] input) {
    run.accept(input);
  }
}
