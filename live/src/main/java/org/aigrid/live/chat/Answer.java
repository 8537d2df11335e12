package org.aigrid.live.chat;

/// What came back for one question.
public sealed interface Answer {
  /// A whole answer.
  ///
  /// @param text all of it
  /// @param site id of the site that answered, or `?` when the server does not say
  /// @param tier its tier, or `?`
  /// @param firstTokenMs from sending to the first text, at this client
  /// @param tokens as the usage chunk says, else the frames with text
  /// @param seconds from sending to the end
  /// @param tokensPerSecond from the first text to the last
  record Complete(
      String text,
      String site,
      String tier,
      double firstTokenMs,
      int tokens,
      double seconds,
      double tokensPerSecond)
      implements Answer {}

  /// The server said no.
  record Refused(int status, String message) implements Answer {}

  /// The stream began and broke; `text` is what had come.
  record Broken(String text, String message) implements Answer {}
}
