package org.aigrid.live.drill;

import java.io.IOException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import org.aigrid.live.trace.TraceException;
import org.aigrid.live.trace.TraceReader;
import org.aigrid.live.trace.TraceRow;
import org.aigrid.live.trace.TraceSummary;
import org.aigrid.live.trace.Traces;

/// Which questions a drill asks, and when. A question is asked again and again, since it has to be
/// asked once undisturbed to compare with. Immutable.
///
/// @param questions different ones
/// @param starts in order of time
public record DrillPlan(List<Question> questions, List<Start> starts) {
  /// What is asked.
  ///
  /// @param words of the prompt, a token each, about
  /// @param tokens of the answer
  public record Question(int words, int tokens) {
    public Question {
      if (words < 0 || tokens < 1) {
        throw new IllegalArgumentException(
            "question: words " + words + ", tokens " + tokens + " (expected: 0 and 1 or more)");
      }
    }
  }

  /// When it is asked.
  ///
  /// @param atUs after the beginning, microseconds
  /// @param question which
  public record Start(long atUs, int question) {}

  /// Rows of a trace that are looked at, at most.
  private static final int ROWS_MAX = 1_000_000;

  public DrillPlan {
    questions = List.copyOf(questions);
    starts = List.copyOf(starts);
    if (questions.isEmpty() || starts.isEmpty()) {
      throw new IllegalArgumentException(
          "a drill of "
              + questions.size()
              + " questions and "
              + starts.size()
              + " starts (expected: 1 or more each)");
    }
  }

  /// Questions alike, at a steady rate.
  public static DrillPlan steady(
      int prompts, int words, int tokens, double perSecond, int seconds) {
    if (prompts < 1 || !(perSecond > 0) || seconds < 1) {
      throw new IllegalArgumentException(
          "drill: prompts "
              + prompts
              + ", perSecond "
              + perSecond
              + ", seconds "
              + seconds
              + " (expected: above 0 each)");
    }
    var questions = new ArrayList<Question>();
    for (int i = 0; i < prompts; i++) {
      questions.add(new Question(words, tokens));
    }
    var starts = new ArrayList<Start>();
    for (long i = 0; i < perSecond * seconds; i++) {
      starts.add(new Start((long) (i * 1e6 / perSecond), (int) (i % prompts)));
    }
    return new DrillPlan(questions, starts);
  }

  /// Requests as a trace has them: its times, and the lengths of its first rows for the questions.
  ///
  /// @param speed 2 plays it twice as fast
  /// @param seconds of the drill
  /// @param prompts how many rows become questions
  /// @param wordsMax longer prompts are cut
  /// @param tokensMax longer answers are cut
  /// @throws TraceException when a row is bad; the message names file and line
  public static DrillPlan ofTrace(
      Path trace, double speed, int seconds, int prompts, int wordsMax, int tokensMax)
      throws IOException, TraceException {
    var questions = new ArrayList<Question>();
    var starts = new ArrayList<Start>();
    try (TraceReader rows = Traces.open(trace, TraceSummary.of(trace, ROWS_MAX))) {
      for (TraceRow row = rows.next();
          row != null && row.atUs() / speed < seconds * 1e6;
          row = rows.next()) {
        if (questions.size() < prompts) {
          questions.add(
              new Question(
                  Math.min(row.inputTokens(), wordsMax),
                  Math.clamp(row.outputTokens(), 1, tokensMax)));
        }
        starts.add(new Start((long) (row.atUs() / speed), starts.size() % prompts));
      }
    }
    return new DrillPlan(questions, starts);
  }
}
