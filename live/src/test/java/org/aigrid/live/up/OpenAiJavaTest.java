package org.aigrid.live.up;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.catchThrowableOfType;

import com.openai.client.OpenAIClient;
import com.openai.client.okhttp.OpenAIOkHttpClient;
import com.openai.core.JsonValue;
import com.openai.core.http.HttpResponseFor;
import com.openai.core.http.StreamResponse;
import com.openai.errors.BadRequestException;
import com.openai.errors.NotFoundException;
import com.openai.errors.OpenAIServiceException;
import com.openai.errors.RateLimitException;
import com.openai.errors.UnauthorizedException;
import com.openai.helpers.ChatCompletionAccumulator;
import com.openai.models.FunctionDefinition;
import com.openai.models.FunctionParameters;
import com.openai.models.chat.completions.ChatCompletion;
import com.openai.models.chat.completions.ChatCompletionChunk;
import com.openai.models.chat.completions.ChatCompletionCreateParams;
import com.openai.models.chat.completions.ChatCompletionNamedToolChoice;
import com.openai.models.chat.completions.ChatCompletionStreamOptions;
import com.openai.models.completions.Completion;
import com.openai.models.completions.CompletionCreateParams;
import com.openai.models.embeddings.EmbeddingCreateParams;
import com.openai.models.models.Model;
import com.openai.models.responses.Response;
import com.openai.models.responses.ResponseCreateParams;
import com.openai.models.responses.ResponseStatus;
import com.openai.models.responses.ResponseStreamEvent;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.function.Supplier;
import java.util.stream.IntStream;
import java.util.stream.LongStream;
import java.util.stream.Stream;
import org.aigrid.core.admit.RateLimiter;
import org.aigrid.live.gateway.KeyEntry;
import org.aigrid.live.gateway.Keys;
import org.aigrid.live.topology.TopologyFile;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

/// The openai-java package as anybody has it, against the whole grid over real sockets.
@Timeout(60)
class OpenAiJavaTest {
  private static final String MODEL = "llama-3.1-8b";
  private static final String KEY = "sk-any";
  private static final String LIMITED_KEY = "sk-limited";
  private static final int LIMITED_REQUESTS = 3;

  private static LiveGrid grid;
  private static OpenAIClient client;
  private static OpenAIClient limited;
  private static OpenAIClient stranger;

  @BeforeAll
  static void start() {
    grid =
        LiveGrid.start(
            TopologyFile.bundled(),
            Keys.of(
                List.of(
                    key("any", KEY, RateLimiter.UNLIMITED),
                    key("limited", LIMITED_KEY, LIMITED_REQUESTS))),
            LiveGridSettings.DEFAULT.beating(100, 400));
    client = client(KEY);
    limited = client(LIMITED_KEY);
    stranger = client("sk-of-nobody");
  }

  @AfterAll
  static void stop() {
    List.of(client, limited, stranger).forEach(OpenAIClient::close);
    grid.close();
  }

  private static KeyEntry key(String id, String secret, long requestsPerMinute) {
    return new KeyEntry(
        id, "tenant-" + id, Keys.hash(secret), requestsPerMinute, RateLimiter.UNLIMITED, List.of());
  }

  private static OpenAIClient client(String key) {
    return OpenAIOkHttpClient.builder()
        .apiKey(key)
        .baseUrl("http://127.0.0.1:" + grid.port() + "/v1")
        .maxRetries(0)
        .build();
  }

  private static ChatCompletionCreateParams.Builder chat() {
    return ChatCompletionCreateParams.builder()
        .model(MODEL)
        .addUserMessage("Good morning")
        .maxCompletionTokens(12);
  }

  @Test
  void modelsAreListedAndRetrieved() {
    List<Model> models = client.models().list().data();
    assertThat(models).extracting(Model::id).contains(MODEL);
    assertThat(client.models().retrieve(MODEL).id()).isEqualTo(MODEL);
  }

  @Test
  void aChatIsAnsweredAndSaysWhereItRan() {
    try (HttpResponseFor<ChatCompletion> raw =
        client.chat().completions().withRawResponse().create(chat().build())) {
      assertThat(raw.requestId()).isPresent();
      assertThat(raw.headers().values("x-grid-site")).hasSize(1);
      ChatCompletion answer = raw.parse();
      answer.validate();
      assertThat(answer.choices().getFirst().message().content().orElseThrow()).isNotBlank();
      assertThat(answer.usage().orElseThrow().completionTokens()).isEqualTo(12);
    }
  }

  @Test
  void aStreamEndsWithOneUsageChunkWhenAskedFor() {
    var options = ChatCompletionStreamOptions.builder().includeUsage(true).build();
    List<ChatCompletionChunk> chunks = stream(chat().streamOptions(options).build());
    var whole = ChatCompletionAccumulator.create();
    chunks.forEach(whole::accumulate);
    ChatCompletion answer = whole.chatCompletion();
    assertThat(answer.choices().getFirst().message().content().orElseThrow()).isNotBlank();
    assertThat(answer.usage().orElseThrow().completionTokens()).isEqualTo(12);
    assertThat(chunks).filteredOn(chunk -> chunk.usage().isPresent()).hasSize(1);
    assertThat(chunks.getLast().choices()).isEmpty();
  }

  @Test
  void aStreamCarriesNoUsageWhenNobodyAsked() {
    List<ChatCompletionChunk> chunks = stream(chat().build());
    assertThat(chunks).hasSizeGreaterThan(2).noneMatch(chunk -> chunk.usage().isPresent());
  }

  private static List<ChatCompletionChunk> stream(ChatCompletionCreateParams params) {
    try (StreamResponse<ChatCompletionChunk> stream =
        client.chat().completions().createStreaming(params)) {
      return stream.stream().peek(ChatCompletionChunk::validate).toList();
    }
  }

  @Test
  void aDemandedToolIsCalledWithArgumentsOfItsSchemaAndUnknownFieldsDoNoHarm() {
    var function =
        FunctionDefinition.builder()
            .name("temperature")
            .parameters(
                FunctionParameters.builder()
                    .putAdditionalProperty("type", JsonValue.from("object"))
                    .putAdditionalProperty(
                        "properties", JsonValue.from(Map.of("place", Map.of("type", "string"))))
                    .putAdditionalProperty("required", JsonValue.from(List.of("place")))
                    .build())
            .build();
    var params =
        chat()
            .addFunctionTool(function)
            .toolChoice(
                ChatCompletionNamedToolChoice.builder()
                    .function(
                        ChatCompletionNamedToolChoice.Function.builder()
                            .name("temperature")
                            .build())
                    .build())
            .maxCompletionTokens(200)
            .putAdditionalBodyProperty(
                "a_field_of_tomorrow", JsonValue.from(Map.of("nested", List.of(1, 2, 3))))
            .build();
    ChatCompletion answer = client.chat().completions().create(params);
    answer.validate();
    var call =
        answer.choices().getFirst().message().toolCalls().orElseThrow().getFirst().asFunction();
    assertThat(call.function().name()).isEqualTo("temperature");
    assertThat(call.function().arguments()).contains("\"place\"");
  }

  @Test
  void aTextCompletionIsAnswered() {
    Completion answer =
        client
            .completions()
            .create(
                CompletionCreateParams.builder()
                    .model(MODEL)
                    .prompt("Once upon a time")
                    .maxTokens(8)
                    .build());
    answer.validate();
    assertThat(answer.choices().getFirst().text()).isNotBlank();
  }

  private static ResponseCreateParams responses() {
    return ResponseCreateParams.builder()
        .model(MODEL)
        .input("Say hello.")
        .maxOutputTokens(16)
        .build();
  }

  @Test
  void aResponseIsAnsweredWithItsText() {
    Response answer = client.responses().create(responses());
    answer.validate();
    assertThat(answer.status()).contains(ResponseStatus.INCOMPLETE);
    assertThat(answer.output().getFirst().asMessage().content().getFirst().asOutputText().text())
        .isNotBlank();
    assertThat(answer.usage().orElseThrow().outputTokens()).isEqualTo(16);
  }

  @Test
  void theEventsOfAStreamedResponseAreNumberedInOrderAndAgreeWithTheWhole() {
    var events = new ArrayList<ResponseStreamEvent>();
    try (StreamResponse<ResponseStreamEvent> stream =
        client.responses().createStreaming(responses())) {
      stream.stream().peek(ResponseStreamEvent::validate).forEach(events::add);
    }
    assertThat(events.stream().map(OpenAiJavaTest::sequence))
        .containsExactlyElementsOf(LongStream.range(0, events.size()).boxed().toList());
    var text = new StringBuilder();
    events.forEach(event -> event.outputTextDelta().ifPresent(delta -> text.append(delta.delta())));
    Response whole = events.getLast().incomplete().orElseThrow().response();
    assertThat(whole.output().getFirst().asMessage().content().getFirst().asOutputText().text())
        .isEqualTo(text.toString())
        .isNotBlank();
  }

  private static long sequence(ResponseStreamEvent event) {
    return Stream.<Supplier<Optional<Long>>>of(
            () -> event.created().map(e -> e.sequenceNumber()),
            () -> event.inProgress().map(e -> e.sequenceNumber()),
            () -> event.outputItemAdded().map(e -> e.sequenceNumber()),
            () -> event.contentPartAdded().map(e -> e.sequenceNumber()),
            () -> event.outputTextDelta().map(e -> e.sequenceNumber()),
            () -> event.outputTextDone().map(e -> e.sequenceNumber()),
            () -> event.contentPartDone().map(e -> e.sequenceNumber()),
            () -> event.outputItemDone().map(e -> e.sequenceNumber()),
            () -> event.incomplete().map(e -> e.sequenceNumber()))
        .flatMap(number -> number.get().stream())
        .findFirst()
        .orElseThrow(() -> new AssertionError("not expected: " + event));
  }

  @Test
  void embeddingsOfAModelThatHasNoneAreRefusedWithTheReason() {
    var params = EmbeddingCreateParams.builder().model(MODEL).input("bridge").build();
    var refused =
        catchThrowableOfType(BadRequestException.class, () -> client.embeddings().create(params));
    assertThat(refused.code()).contains("unsupported_model");
    assertThat(refused).hasMessageContaining("embedding");
  }

  @Test
  void aWrongKeyAnUnknownModelAndAnEmptyRequestHaveTheirExceptions() {
    var unauthorized =
        catchThrowableOfType(UnauthorizedException.class, () -> stranger.models().list());
    assertThat(unauthorized.code()).contains("invalid_api_key");
    var notFound =
        catchThrowableOfType(
            NotFoundException.class,
            () -> client.chat().completions().create(chat().model("no-such-model").build()));
    assertThat(notFound.code()).contains("model_not_found");
    var bad =
        catchThrowableOfType(
            BadRequestException.class,
            () -> client.chat().completions().create(chat().messages(List.of()).build()));
    assertThat(bad.type()).contains("invalid_request_error");
  }

  @Test
  void aKeyOverItsRateLimitIsToldWhenToComeBack() {
    IntStream.range(0, LIMITED_REQUESTS)
        .forEach(_ -> limited.chat().completions().create(chat().build()));
    OpenAIServiceException refused =
        catchThrowableOfType(
            RateLimitException.class, () -> limited.chat().completions().create(chat().build()));
    assertThat(refused.code()).contains("rate_limit_exceeded");
    assertThat(refused.headers().values("retry-after"))
        .singleElement()
        .asString()
        .matches("[0-9]+");
    assertThat(refused.headers().values("x-ratelimit-remaining-requests")).containsExactly("0");
  }
}
