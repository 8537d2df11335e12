package org.aigrid.live.gguf;

import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.SplittableRandom;

/// A llama model of one layer, 0.2 MB, that llama.cpp loads and runs like any other. Its text is
/// letters without sense; it serves to try the whole path of a request with a true engine and
/// without a download. A seed always gives the same file.
///
/// Its weights are not random but computed, so that its greedy text says something about who runs
/// it (`text` has it by arithmetic). The next symbol is the sum of the last one, of that `LAG`
/// tokens before it, and of one, modulo the alphabet's 27, a lagged Fibonacci generator: a token
/// that is lost, repeated or swapped changes all that follows. And the best symbol leads the second
/// by a wide margin, so that the text does *not* depend on how the engine rounds: how it batches
/// sequences, whether it computes tokens one by one or as a prompt. Random weights have near ties,
/// and every few thousand tokens rounding decides one.
///
/// - Symbols are angles. A token is written as the cosine and sine of `f x symbol / 27` turns for
///   some frequencies `f`, so that adding symbols is adding angles.
/// - Attention: queries and keys are constant but for their place. RoPE turns them, so a query
///   turned back by `LAG` places has its highest score exactly there, by tens of nats.
/// - Feed forward: `silu(B + u) v - silu(B) v` is `u v` where `B` is large, which gives the
///   products that the sum of two angles needs.
///
/// The prompt should have more than `LAG` tokens, or the attention finds the place missing and
/// looks elsewhere; chats have.
public final class TinyModel {
  /// Longest prompt plus answer.
  public static final int CONTEXT_TOKENS = 4_096;

  private static final int WIDTH = 64;
  private static final int HEADS = 4;
  private static final int HEADS_KV = 2;
  private static final int HEAD_WIDTH = WIDTH / HEADS;
  private static final int FEED_FORWARD = 64;
  private static final double ROPE_BASE = 10_000;
  private static final float EPSILON = 1e-5f;

  /// Unknown, begin, end, the space, then one token for each byte.
  private static final int SPACE = 3;

  private static final int BYTE_0 = 4;
  private static final int TOKENS = BYTE_0 + 256;
  private static final int TYPE_NORMAL = 1;
  private static final int TYPE_UNKNOWN = 2;
  private static final int TYPE_CONTROL = 3;
  private static final int TYPE_BYTE = 6;

  /// Letters and the space.
  private static final int SYMBOLS = 27;

  /// How far back the other summand lies: beyond the end of the chat template.
  private static final int LAG = 29;

  /// With these, two symbols' features differ by 10 of 16 at least.
  private static final int[] FREQUENCIES = {1, 2, 4, 5, 7, 10, 11, 13};

  private static final int PAIRS = FREQUENCIES.length;

  // What the dimensions of the residual stream hold.
  private static final int LAST = 0; // the token's own features: cosine, sine, cosine, ...
  private static final int BACK = 2 * PAIRS; // those of the token LAG places back
  private static final int SUM = 4 * PAIRS; // those of the sum
  private static final int ONE = 6 * PAIRS; // a constant
  private static final double CONSTANT = 4;

  /// Score of the right place in nats; its neighbour's is lower by a sixteenth.
  private static final double ATTENTION_NATS = 500;

  /// Where silu is the identity to the last bit of a float.
  private static final double GATE_BIAS = 16;

  private static final double LOGIT_SCALE = 2;

  private static final String CHAT_TEMPLATE =
      "{% for message in messages %}{{ message['role'] }}: {{ message['content'] }}\n{% endfor %}"
          + "{% if add_generation_prompt %}assistant: {% endif %}";

  private TinyModel() {}

  /// Writes the model to `path`.
  ///
  /// @param seed of which token stands for which symbol
  public static void write(Path path, long seed) throws IOException {
    int[] symbols = symbols(new SplittableRandom(seed));
    List<String> tokens = new ArrayList<>(List.of("<unk>", "<s>", "</s>", "\u2581"));
    int[] types = new int[TOKENS];
    types[0] = TYPE_UNKNOWN;
    types[1] = TYPE_CONTROL;
    types[2] = TYPE_CONTROL;
    types[SPACE] = TYPE_NORMAL;
    for (int b = 0; b < 256; b++) {
      tokens.add(String.format("<0x%02X>", b));
      types[BYTE_0 + b] = TYPE_BYTE;
    }
    var gguf =
        new GgufWriter()
            .text("general.architecture", "llama")
            .text("general.name", "tiny")
            .u32("general.file_type", 0)
            .u32("llama.context_length", CONTEXT_TOKENS)
            .u32("llama.embedding_length", WIDTH)
            .u32("llama.block_count", 1)
            .u32("llama.feed_forward_length", FEED_FORWARD)
            .u32("llama.attention.head_count", HEADS)
            .u32("llama.attention.head_count_kv", HEADS_KV)
            .f32("llama.attention.layer_norm_rms_epsilon", EPSILON)
            .u32("llama.rope.dimension_count", HEAD_WIDTH)
            .f32("llama.rope.freq_base", (float) ROPE_BASE)
            .u32("llama.vocab_size", TOKENS)
            .text("tokenizer.ggml.model", "llama")
            .texts("tokenizer.ggml.tokens", tokens)
            .f32s("tokenizer.ggml.scores", new float[TOKENS])
            .i32s("tokenizer.ggml.token_type", types)
            .u32("tokenizer.ggml.unknown_token_id", 0)
            .u32("tokenizer.ggml.bos_token_id", 1)
            .u32("tokenizer.ggml.eos_token_id", 2)
            .bool("tokenizer.ggml.add_bos_token", true)
            .bool("tokenizer.ggml.add_space_prefix", false)
            .text("tokenizer.chat_template", CHAT_TEMPLATE);
    embedding(symbols).into(gguf, "token_embd.weight");
    attention(gguf);
    feedForward(gguf);
    gguf.tensor("output_norm.weight", ones(), WIDTH);
    output(symbols).into(gguf, "output.weight");
    gguf.write(path);
  }

  /// What the model of that seed says after a prompt, greedily: by arithmetic, without an engine.
  ///
  /// @param prompt as the engine gets it, templated; longer than the model looks back
  public static String text(long seed, String prompt, int tokens) {
    int[] symbols = symbols(new SplittableRandom(seed));
    byte[] bytes = prompt.getBytes(StandardCharsets.UTF_8);
    if (bytes.length <= LAG) {
      throw new IllegalArgumentException(
          "prompt of " + bytes.length + " bytes (expected: more than " + LAG + ")");
    }
    int[] letterOf = new int[SYMBOLS];
    for (int token = 0; token < TOKENS; token++) {
      if (letter(token) >= 0) {
        letterOf[symbols[token]] = letter(token);
      }
    }
    int[] all = new int[bytes.length + tokens];
    for (int i = 0; i < bytes.length; i++) {
      all[i] = symbols[bytes[i] == ' ' ? SPACE : BYTE_0 + (bytes[i] & 0xff)];
    }
    var text = new StringBuilder(tokens);
    for (int i = bytes.length; i < all.length; i++) {
      all[i] = (all[i - 1] + all[i - 1 - LAG] + 1) % SYMBOLS;
      int letter = letterOf[all[i]];
      text.append(letter == SYMBOLS - 1 ? ' ' : (char) ('a' + letter));
    }
    return text.toString();
  }

  /// Each token's symbol. Letters and the space have one of their own; the others share them.
  private static int[] symbols(SplittableRandom random) {
    int[] own = new int[SYMBOLS];
    for (int i = 1; i < SYMBOLS; i++) {
      int at = random.nextInt(i + 1);
      own[i] = own[at];
      own[at] = i;
    }
    int[] symbols = new int[TOKENS];
    for (int token = 0; token < TOKENS; token++) {
      int letter = letter(token);
      symbols[token] = letter >= 0 ? own[letter] : random.nextInt(SYMBOLS);
    }
    return symbols;
  }

  /// Which of the 27 a token is, or -1.
  private static int letter(int token) {
    int b = token - BYTE_0;
    return token == SPACE ? SYMBOLS - 1 : b >= 'a' && b <= 'z' ? b - 'a' : -1;
  }

  private static double turn(int pair, int symbol) {
    return 2 * Math.PI * FREQUENCIES[pair] * symbol / SYMBOLS;
  }

  private static Matrix embedding(int[] symbols) {
    var rows = new Matrix(WIDTH, TOKENS);
    for (int token = 0; token < TOKENS; token++) {
      rows.put(ONE, token, CONSTANT);
      for (int p = 0; p < PAIRS; p++) {
        rows.put(LAST + 2 * p, token, Math.cos(turn(p, symbols[token])));
        rows.put(LAST + 2 * p + 1, token, Math.sin(turn(p, symbols[token])));
      }
    }
    return rows;
  }

  /// What a norm divides by when so many sets of features are there: always the same.
  private static double rootMeanSquare(int sets) {
    return Math.sqrt((sets * PAIRS + CONSTANT * CONSTANT) / WIDTH + EPSILON);
  }

  /// The first head alone; the others' weights are 0.
  private static void attention(GgufWriter gguf) {
    int widthKv = HEADS_KV * HEAD_WIDTH;
    double norm = rootMeanSquare(1);
    var query = new Matrix(WIDTH, WIDTH);
    var key = new Matrix(WIDTH, widthKv);
    var value = new Matrix(WIDTH, widthKv);
    var out = new Matrix(WIDTH, WIDTH);
    // Scores are divided by the root of the head's width.
    double each = Math.sqrt(ATTENTION_NATS / (HEAD_WIDTH / 2) * Math.sqrt(HEAD_WIDTH));
    for (int f = 0; f < HEAD_WIDTH / 2; f++) {
      double perPlace = Math.pow(ROPE_BASE, -2.0 * f / HEAD_WIDTH);
      query.put(ONE, 2 * f, norm / CONSTANT * each * Math.cos(LAG * perPlace));
      query.put(ONE, 2 * f + 1, -norm / CONSTANT * each * Math.sin(LAG * perPlace));
      key.put(ONE, 2 * f, norm / CONSTANT * each);
    }
    for (int i = 0; i < 2 * PAIRS; i++) {
      value.put(LAST + i, i, norm);
      out.put(i, BACK + i, 1);
    }
    gguf.tensor("blk.0.attn_norm.weight", ones(), WIDTH);
    query.into(gguf, "blk.0.attn_q.weight");
    key.into(gguf, "blk.0.attn_k.weight");
    value.into(gguf, "blk.0.attn_v.weight");
    out.into(gguf, "blk.0.attn_output.weight");
  }

  /// Six units for each pair: the four products of cosines and sines, and what the bias of their
  /// gates adds to them.
  private static void feedForward(GgufWriter gguf) {
    double norm = rootMeanSquare(2);
    var gate = new Matrix(WIDTH, FEED_FORWARD);
    var up = new Matrix(WIDTH, FEED_FORWARD);
    var down = new Matrix(FEED_FORWARD, WIDTH);
    for (int p = 0; p < PAIRS; p++) {
      int cosine = 2 * p;
      int sine = 2 * p + 1;
      int[] gates = {LAST + cosine, LAST + sine, LAST + sine, LAST + cosine, -1, -1};
      int[] ups = {
        BACK + cosine, BACK + sine, BACK + cosine, BACK + sine, BACK + cosine, BACK + sine
      };
      // cos(a + b) = cos a cos b - sin a sin b; sin(a + b) = sin a cos b + cos a sin b
      int[] toCosine = {1, -1, 0, 0, -1, 1};
      int[] toSine = {0, 0, 1, 1, -1, -1};
      for (int i = 0; i < gates.length; i++) {
        int unit = gates.length * p + i;
        gate.put(ONE, unit, norm / CONSTANT * GATE_BIAS);
        if (gates[i] >= 0) {
          gate.put(gates[i], unit, norm);
        }
        up.put(ups[i], unit, norm);
        down.put(unit, SUM + cosine, toCosine[i]);
        down.put(unit, SUM + sine, toSine[i]);
      }
    }
    gguf.tensor("blk.0.ffn_norm.weight", ones(), WIDTH);
    gate.into(gguf, "blk.0.ffn_gate.weight");
    up.into(gguf, "blk.0.ffn_up.weight");
    down.into(gguf, "blk.0.ffn_down.weight");
  }

  /// Only letters and the space can win: all other tokens have the logit 0. One is added to the
  /// sum, or zeros would stay zeros.
  private static Matrix output(int[] symbols) {
    var rows = new Matrix(WIDTH, TOKENS);
    double norm = rootMeanSquare(3);
    for (int token = 0; token < TOKENS; token++) {
      if (letter(token) >= 0) {
        for (int p = 0; p < PAIRS; p++) {
          double turn = turn(p, symbols[token] - 1);
          rows.put(SUM + 2 * p, token, norm * LOGIT_SCALE * Math.cos(turn));
          rows.put(SUM + 2 * p + 1, token, norm * LOGIT_SCALE * Math.sin(turn));
        }
      }
    }
    return rows;
  }

  private static float[] ones() {
    float[] values = new float[WIDTH];
    Arrays.fill(values, 1);
    return values;
  }

  /// Weights as GGUF has them: for each output a row of as many numbers as there are inputs.
  private static final class Matrix {
    private final int inputs;
    private final int outputs;
    private final float[] values;

    Matrix(int inputs, int outputs) {
      this.inputs = inputs;
      this.outputs = outputs;
      values = new float[inputs * outputs];
    }

    void put(int input, int output, double value) {
      values[output * inputs + input] = (float) value;
    }

    void into(GgufWriter gguf, String name) {
      gguf.tensor(name, values, inputs, outputs);
    }
  }
}
