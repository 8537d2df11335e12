package org.aigrid.fuzz;

import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.HexFormat;
import java.util.List;

/// Good examples, from which the fuzzer sets out, and inputs that once were findings.
final class Seeds {
  private static final String NOTE =
      """
      If you think cryptography is the answer to your problem,
      then you don't know what your problem is.

      \u2014 PeterNeumann x08go/ZJkuBS9UG/SffcvIAQxVBtiFupLLr8pAcElZInNIuGUgYN1FFYC2pZSNXgKvqfqdngotpRZb6KE6RyyBwJnAM=
      """;

  private static final String HASH = "47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU=";
  private static final String CHECKPOINT = "grid.example/log\n7\n" + HASH + "\n";
  private static final String SIGNED =
      CHECKPOINT + "\n\u2014 grid.example/log x08go/ZJkuBS9UG/SffcvIAQxVBt\n";

  private Seeds() {}

  static List<byte[]> of(Target target) {
    var seeds = new ArrayList<byte[]>();
    switch (target) {
      case HTTP -> {
        for (String step : List.of("\0", "\7")) {
          add(
              seeds,
              step + "POST /v1/chat/completions HTTP/1.1\r\nHost: a\r\nContent-Length: 2\r\n\r\n{}",
              step + "GET / HTTP/1.0\r\n\r\nGET /b HTTP/1.0\r\n\r\n", // the second was carried out
              step + "GET /v1/models HTTP/1.1\r\nHost: a:80\r\n\r\nGET / HTTP/1.0\r\n\r\n",
              step
                  + "POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n"
                  + "2;x=y\r\n{}\r\n0\r\nTrailer: b\r\n\r\nGET / HTTP/1.1\r\nHost: [::1]\r\n\r\n",
              step
                  + "POST / HTTP/1.1\r\nHost: a\r\nExpect: 100-continue\r\nContent-Length: 1\r\n"
                  + "Connection: close\r\n\r\nx");
        }
      }
      case JSON ->
          add(
              seeds,
              "{\"model\":\"m\",\"stream\":true,\"messages\":[{\"role\":\"user\",\"content\":\"h\"}],"
                  + "\"max_tokens\":5,\"n\":2,\"metadata\":{\"residency\":\"JP\"}}",
              "{\"model\":\"m\",\"prompt\":\"a\\u0062\",\"stream_options\":{\"include_usage\":false},"
                  + "\"stream\":true,\"cache_salt\":\"x\",\"tools\":[{}],\"service_tier\":\"flex\"}",
              "{\"input\":[1,2.5e3],\"text\":{\"format\":{\"type\":\"json_schema\"}},"
                  + "\"prompt_cache_key\":\"s\",\"response_format\":{\"type\":\"text\"}}",
              "{}",
              "{\"id\":\"c\",\"created\":5,\"model\":\"m\",\"sequence\":0,\"opened\":true,"
                  + "\"tool_call\":false,\"text\":\"ab\",\"tokens\":2,\"engine\":\"llama\",\"ids\":[1,2]}");
      case SSE -> {
        for (String step : List.of("\0", "\7")) {
          add(
              seeds,
              step
                  + ": tokens llama 15 29871\ndata: {\"id\":\"c1\",\"created\":5,\"model\":\"m\","
                  + "\"choices\":[{\"index\":0,\"delta\":{\"content\":\"a\"},\"finish_reason\":null}]}\n\n"
                  + ": tokens - 2\r\ndata: {\"choices\":[{\"delta\":{\"tool_calls\":[{\"index\":0,"
                  + "\"function\":{\"arguments\":\"b\"}}]}}]}\r\n\r\ndata: {\"choices\":[],\"usage\":"
                  + "{\"prompt_tokens\":3,\"completion_tokens\":4,\"prompt_tokens_details\":"
                  + "{\"cached_tokens\":1}}}\n\ndata: [DONE]\n\n",
              step
                  + "event: response.output_text.delta\ndata: {\"type\":"
                  + "\"response.output_text.delta\",\"sequence_number\":1,\"delta\":\"x\"}\n\n"
                  + "data: {\"type\":\"response.completed\",\"response\":{\"id\":\"r\","
                  + "\"created_at\":1,\"usage\":{\"input_tokens\":1,\"output_tokens\":1}}}",
              step + "data: {\"error\":{\"message\":\"x\"}}\n\n: comment\n\n",
              step + ": tokens - -9\ndata: {}\n\n",
              step + ": tokens - 2147483647\ndata: {}\n\n: tokens - 2147483647\ndata: {}\n\n");
        }
      }
      case ORDER ->
          add(
              seeds,
              "1|gw-1|site|req-7|1|ministry|tax|JP,DE|infer|standard|org/m|1790000000000|"
                  + "1790000030000|AAAA",
              "gw-1\nreq-7\nministry\ntax\nJP\ninfer\nstandard\norg/m",
              "gw-1\nreq-7\nministry\n-\n*\nprewarm\nharvest\n日本");
      case POLICY ->
          add(
              seeds,
              "@id(\"a\") permit (principal == Tenant::\"ministry\", action, resource)\n"
                  + "when { resource.jurisdiction == Jurisdiction::\"JP\" && resource.level >= 2 };",
              "forbid (principal, action == Action::\"infer\", resource) unless {\n"
                  + "  [\"a\", \"b\"].contains(resource.operator) || !(principal has project)\n};",
              "// nothing\npermit (principal, action, resource);");
      case JOURNAL -> {
        String empty = "0000";
        String text = "000161";
        String rest = "00000001".repeat(3) + "0000000000000001".repeat(4);
        seeds.add(
            HexFormat.of().parseHex("0100" + text + empty.repeat(8) + empty.repeat(2) + rest));
        seeds.add(HexFormat.of().parseHex("0102" + text.repeat(11) + rest));
        seeds.add(HexFormat.of().parseHex("0000000100000000ff"));
      }
      case LOG -> {
        String[] texts = {
          NOTE,
          CHECKPOINT,
          "c2sp.org/tlog-proof@v1\nindex 3\n" + HASH + "\n\n" + SIGNED,
          "tile/0/x001/x234/067.p/12",
          "PeterNeumann+c74f20a3+ARpc2QcUPDhMQegwxbzhKqiBfsVkmqq/LDE4izWy10TW",
          "log PeterNeumann+c74f20a3+ARpc2QcUPDhMQegwxbzhKqiBfsVkmqq/LDE4izWy10TW\nquorum none\n",
          "\0\2{}\0\0\0\1a",
          "a".repeat(64),
          "\0\0\0\0\0\0\0\3\0\0\0\0\0\0\0\7" + "a".repeat(96),
          "\0\0\0\0\0\0\0\3\0\0\0\0\0\0\0\7" + "b".repeat(128)
        };
        for (int kind = 0; kind < texts.length; kind++) {
          add(seeds, (char) kind + texts[kind]);
        }
      }
      case ADDRESS ->
          add(
              seeds,
              "https://witness.example/a",
              "http://127.0.0.1:8000/v1",
              "http://[::ffff:169.254.169.254]/latest",
              "http://[64:ff9b::a9fe:a9fe]/",
              "http://user:word@host/");
    }
    return seeds;
  }

  private static void add(List<byte[]> seeds, String... texts) {
    for (String text : texts) {
      seeds.add(text.getBytes(StandardCharsets.UTF_8));
    }
  }
}
