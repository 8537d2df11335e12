package org.aigrid.bench.load;

/// One measurement that the generator is to make. Immutable; travels as one line of text.
///
/// @param host where the arm listens
/// @param port its port
/// @param key the API key to send
/// @param connections requests in flight: each connection sends its next request when the answer to
///   the last is complete (closed loop, so a slow answer also delays what follows it)
/// @param millis how long to measure, after the first answer on every connection
/// @param frames SSE frames of an answer besides usage and `[DONE]`, or 0 for one JSON answer
/// @param paceMicros time between frames, or 0 for all at once
/// @param sources loopback addresses to connect from, 127.0.0.1 upwards
/// @param requestsMax requests of one connection, or 0 for as many as fit; 1 holds one stream each
/// @param beginPerSecond connections that send their first request in a second, when requestsMax is
///   not 0: a crowd, not a blow that overruns the accept queue of whatever listens
public record LoadPlan(
    String host,
    int port,
    String key,
    int connections,
    int millis,
    int frames,
    int paceMicros,
    int sources,
    int requestsMax,
    int beginPerSecond) {
  public LoadPlan {
    if (connections < 1
        || millis < 1
        || frames < 0
        || paceMicros < 0
        || sources < 1
        || beginPerSecond < 1) {
      throw new IllegalArgumentException(
          "load plan: connections "
              + connections
              + ", millis "
              + millis
              + ", frames "
              + frames
              + ", paceMicros "
              + paceMicros
              + ", sources "
              + sources
              + " (expected: connections, millis, sources and beginPerSecond 1 or more, the others 0 or"
              + " more)");
    }
  }

  /// The request's JSON body: 32 words of prompt, and what the mock shall do.
  public String body() {
    String prompt = "word ".repeat(32).strip();
    String stream =
        frames == 0
            ? ""
            : ",\"stream\":true,\"stream_options\":{\"include_usage\":true},\"bench_frames\":"
                + frames
                + ",\"bench_pace_micros\":"
                + paceMicros;
    return "{\"model\":\"bench\",\"messages\":[{\"role\":\"user\",\"content\":\""
        + prompt
        + "\"}],\"max_tokens\":16"
        + stream
        + "}";
  }

  String line() {
    return String.join(
        " ",
        host,
        "" + port,
        key,
        "" + connections,
        "" + millis,
        "" + frames,
        "" + paceMicros,
        "" + sources,
        "" + requestsMax,
        "" + beginPerSecond);
  }

  static LoadPlan parse(String line) {
    String[] f = line.split(" ");
    return new LoadPlan(
        f[0],
        Integer.parseInt(f[1]),
        f[2],
        Integer.parseInt(f[3]),
        Integer.parseInt(f[4]),
        Integer.parseInt(f[5]),
        Integer.parseInt(f[6]),
        Integer.parseInt(f[7]),
        Integer.parseInt(f[8]),
        Integer.parseInt(f[9]));
  }
}
