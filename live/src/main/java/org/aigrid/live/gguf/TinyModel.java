package org.aigrid.live.gguf;

import java.io.IOException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.SplittableRandom;

/// A llama model of two layers and 0.1 million random weights that llama.cpp loads and runs like
/// any other. Its text is letters without sense; it serves to try the whole path of a request with
/// a true engine and without a download. A seed always gives the same file.
public final class TinyModel {
  /// Longest prompt plus answer.
  public static final int CONTEXT_TOKENS = 4_096;

  private static final int LAYERS = 2;
  private static final int WIDTH = 64;
  private static final int HEADS = 4;
  private static final int HEADS_KV = 2;
  private static final int HEAD_WIDTH = WIDTH / HEADS;
  private static final int FEED_FORWARD = 128;

  /// Unknown, begin, end, the space, then one token for each byte.
  private static final int SPACE = 3;

  private static final int BYTE_0 = 4;
  private static final int TOKENS = BYTE_0 + 256;
  private static final int TYPE_NORMAL = 1;
  private static final int TYPE_UNKNOWN = 2;
  private static final int TYPE_CONTROL = 3;
  private static final int TYPE_BYTE = 6;

  private static final String CHAT_TEMPLATE =
      "{% for message in messages %}{{ message['role'] }}: {{ message['content'] }}\n{% endfor %}"
          + "{% if add_generation_prompt %}assistant: {% endif %}";

  private TinyModel() {}

  /// Writes the model to `path`, 0.6 MB.
  public static void write(Path path, long seed) throws IOException {
    var random = new SplittableRandom(seed);
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
            .u32("llama.block_count", LAYERS)
            .u32("llama.feed_forward_length", FEED_FORWARD)
            .u32("llama.attention.head_count", HEADS)
            .u32("llama.attention.head_count_kv", HEADS_KV)
            .f32("llama.attention.layer_norm_rms_epsilon", 1e-5f)
            .u32("llama.rope.dimension_count", HEAD_WIDTH)
            .f32("llama.rope.freq_base", 10_000f)
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
    gguf.tensor("token_embd.weight", noise(random, WIDTH * TOKENS, 1), WIDTH, TOKENS);
    gguf.tensor("output_norm.weight", ones(WIDTH), WIDTH);
    gguf.tensor("output.weight", output(random), WIDTH, TOKENS);
    double scale = 1 / Math.sqrt(WIDTH);
    int widthKv = HEADS_KV * HEAD_WIDTH;
    for (int i = 0; i < LAYERS; i++) {
      String layer = "blk." + i + ".";
      gguf.tensor(layer + "attn_norm.weight", ones(WIDTH), WIDTH);
      gguf.tensor(layer + "attn_q.weight", noise(random, WIDTH * WIDTH, scale), WIDTH, WIDTH);
      gguf.tensor(layer + "attn_k.weight", noise(random, WIDTH * widthKv, scale), WIDTH, widthKv);
      gguf.tensor(layer + "attn_v.weight", noise(random, WIDTH * widthKv, scale), WIDTH, widthKv);
      gguf.tensor(layer + "attn_output.weight", noise(random, WIDTH * WIDTH, scale), WIDTH, WIDTH);
      gguf.tensor(layer + "ffn_norm.weight", ones(WIDTH), WIDTH);
      int size = WIDTH * FEED_FORWARD;
      gguf.tensor(layer + "ffn_gate.weight", noise(random, size, scale), WIDTH, FEED_FORWARD);
      gguf.tensor(layer + "ffn_up.weight", noise(random, size, scale), WIDTH, FEED_FORWARD);
      gguf.tensor(layer + "ffn_down.weight", noise(random, size, scale), FEED_FORWARD, WIDTH);
    }
    gguf.write(path);
  }

  /// Only letters and the space can win: all other tokens have the logit 0.
  private static float[] output(SplittableRandom random) {
    float[] values = new float[WIDTH * TOKENS];
    for (int token = 0; token < TOKENS; token++) {
      int b = token - BYTE_0;
      if (token == SPACE || (b >= 'a' && b <= 'z')) {
        System.arraycopy(noise(random, WIDTH, 1), 0, values, token * WIDTH, WIDTH);
      }
    }
    return values;
  }

  private static float[] noise(SplittableRandom random, int size, double scale) {
    float[] values = new float[size];
    for (int i = 0; i < size; i++) {
      values[i] = (float) (random.nextGaussian() * scale);
    }
    return values;
  }

  private static float[] ones(int size) {
    float[] values = new float[size];
    java.util.Arrays.fill(values, 1);
    return values;
  }
}
