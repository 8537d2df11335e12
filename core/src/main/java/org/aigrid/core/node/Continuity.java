package org.aigrid.core.node;

/// Whether a stream that lost its site can go on at another from what its client has had.
///
/// A stream goes on by replay: the next site is given the prompt and what was generated, computes
/// both as one prompt, and generates from there. That is exact where the engine's state is a
/// function of tokens. It is not where there is more state than that: a grammar half way through,
/// several choices at different places, or a tool call of whose arguments only a part is known.
/// Pure.
public final class Continuity {
  /// What is known of a stream when it breaks. Immutable.
  ///
  /// @param streamed whether the answer comes as a stream at all
  /// @param finished whether the reason of its end has been passed on: only the books are missing
  /// @param closable whether somebody else can say the end: not where the last event repeats the
  ///   whole answer, as in the Responses API
  /// @param choices how many answers were asked for
  /// @param guided whether a grammar or a schema guides the engine
  /// @param toolCall whether a part of a tool call has been passed on
  /// @param exact whether the site said which tokens it generated, so that a replay repeats its
  ///   state and not only its text
  /// @param understood whether every frame so far could be read
  /// @param characters length of the text so far
  public record Facts(
      boolean streamed,
      boolean finished,
      boolean closable,
      int choices,
      boolean guided,
      boolean toolCall,
      boolean exact,
      boolean understood,
      int characters) {}

  /// What to do.
  public enum Verdict {
    /// Go on elsewhere by replay.
    REPLAY,
    /// Nothing is missing but the end: say it.
    CLOSE,
    /// An answer that is not streamed.
    NOT_STREAMED,
    /// Several choices.
    SEVERAL_CHOICES,
    /// A grammar's state is lost.
    GUIDED,
    /// A tool call's beginning is known as text only.
    HALF_TOOL_CALL,
    /// A frame could not be read, so what the client has had is not known; or all of the text has
    /// been passed on and the last event, which repeats it, has not.
    NOT_UNDERSTOOD,
    /// More text than is kept.
    TOO_LONG;

    /// Whether the stream can go on.
    public boolean resumable() {
      return this == REPLAY;
    }
  }

  /// Most characters of generated text that are kept for a replay.
  public static final int CHARACTERS_MAX = 1 << 20;

  private Continuity() {}

  /// Whether a stream goes on elsewhere, unseen, when its engine reports that it has failed,
  /// instead of passing the report on. Once at the same place: what fails there at a second engine
  /// is the request's own fault.
  ///
  /// @param facts of the stream without that report
  /// @param charactersAtLastFailure length of the text at the last such report; -1 for none
  public static boolean outlives(Facts facts, int charactersAtLastFailure) {
    return judge(facts).resumable() && facts.characters() != charactersAtLastFailure;
  }

  /// The first rule that applies.
  public static Verdict judge(Facts facts) {
    if (!facts.streamed()) {
      return Verdict.NOT_STREAMED;
    }
    if (facts.finished() && facts.closable()) {
      return Verdict.CLOSE;
    }
    if (facts.finished() || !facts.understood()) {
      return Verdict.NOT_UNDERSTOOD;
    }
    if (facts.choices() > 1) {
      return Verdict.SEVERAL_CHOICES;
    }
    if (facts.guided() && !facts.exact()) {
      return Verdict.GUIDED;
    }
    if (facts.toolCall() && !facts.exact()) {
      return Verdict.HALF_TOOL_CALL;
    }
    return facts.characters() > CHARACTERS_MAX ? Verdict.TOO_LONG : Verdict.REPLAY;
  }
}
