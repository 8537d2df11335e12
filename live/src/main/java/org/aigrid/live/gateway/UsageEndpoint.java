package org.aigrid.live.gateway;

import io.netty.channel.ChannelHandlerContext;
import io.netty.handler.codec.http.FullHttpRequest;
import io.netty.handler.codec.http.HttpHeaderNames;
import io.netty.handler.codec.http.QueryStringDecoder;
import java.time.Instant;
import java.time.YearMonth;
import java.util.List;
import java.util.Map;
import java.util.regex.Pattern;
import org.aigrid.core.admit.Scope;
import org.aigrid.live.books.TenantDirectory;
import org.aigrid.live.books.TenantUsage;
import org.aigrid.live.books.TenantUsage.Answer;
import org.aigrid.live.books.TenantUsage.Format;
import org.aigrid.live.books.TenantUsage.Question;
import org.aigrid.live.books.UsageReports;
import org.aigrid.live.wire.ApiError;
import org.jspecify.annotations.Nullable;

/// `GET /v1/usage`: what the tenant of a key or token has used, out of the books. Whose it is comes
/// from the key and from nothing that the request says, so nobody reads another tenant's. Asks for
/// the scope `usage`. On the channel's event loop; the books are read elsewhere (`TenantUsage`).
///
/// ```
/// month=2026-11            in UTC; default: this one
/// by=day,model,site        of project, key, model, tier, site, jurisdiction, operator, day
/// project=P                default: all
/// format=json              or csv, focus, focus-json; Accept: text/csv is focus
/// ```
final class UsageEndpoint {
  static final String PATH = "/v1/usage";

  private static final List<String> BY = List.of("day", "model", "site");
  private static final List<String> NAMES = List.of("month", "by", "project", "format");
  private static final Pattern MONTH = Pattern.compile("[0-9]{4}-(0[1-9]|1[0-2])");
  private static final Pattern PROJECT = Pattern.compile("[A-Za-z0-9._-]{1,64}");
  private static final int PARAMETERS_MAX = 16;
  private static final int BY_MAX = 8;

  private UsageEndpoint() {}

  static void answer(
      @Nullable Tenancy tenancy,
      KeyEntry key,
      ChannelHandlerContext context,
      FullHttpRequest request,
      String requestId) {
    TenantDirectory.Key booked = key.booked();
    TenantUsage usage = tenancy == null ? null : tenancy.usage();
    if (booked == null || usage == null) {
      refuse(
          context,
          ApiError.invalid(
              404,
              "No books are kept for this key (expected: a key of a tenant with an account).",
              null,
              "no_books"),
          requestId);
      return;
    }
    if (!booked.may(Scope.USAGE)) {
      refuse(
          context,
          ApiError.forbidden("This key may not read usage (scope 'usage').", "scope"),
          requestId);
      return;
    }
    Question question;
    try {
      question =
          question(
              booked.tenant().id(),
              new QueryStringDecoder(
                      request.uri(), java.nio.charset.StandardCharsets.UTF_8, true, PARAMETERS_MAX)
                  .parameters(),
              request.headers().get(HttpHeaderNames.ACCEPT),
              Instant.now());
    } catch (IllegalArgumentException e) {
      refuse(context, ApiError.badRequest(String.valueOf(e.getMessage())), requestId);
      return;
    }
    boolean asked =
        usage.ask(
            question, answer -> context.executor().execute(() -> say(context, answer, requestId)));
    if (!asked) {
      refuse(context, ApiError.rateLimited("Too many questions about usage wait.", 1), requestId);
    }
  }

  /// What a request asks; what makes no sense is an `IllegalArgumentException` of one sentence.
  ///
  /// @param accept of the request; null for none
  static Question question(
      String tenant, Map<String, List<String>> parameters, @Nullable String accept, Instant now) {
    parameters.forEach(
        (name, values) -> {
          if (!NAMES.contains(name) || values.size() != 1) {
            throw new IllegalArgumentException(
                "Parameter '" + name + "' (expected: each of " + NAMES + " once at most).");
          }
        });
    YearMonth month = UsageReports.monthOf(now);
    String named = one(parameters, "month");
    if (named != null) {
      if (!MONTH.matcher(named).matches()) {
        throw new IllegalArgumentException("month '" + named + "' (expected: such as 2026-11).");
      }
      month = YearMonth.parse(named);
    }
    String project = one(parameters, "project");
    if (project != null && !PROJECT.matcher(project).matches()) {
      throw new IllegalArgumentException(
          "project '"
              + project.replaceAll("\\p{Cntrl}", "?")
              + "' (expected: a project's id, 1 to 64 letters, digits, '.', '_' or '-').");
    }
    String by = one(parameters, "by");
    List<String> dimensions = by == null ? BY : List.of(by.split(",", -1));
    for (String dimension : dimensions) {
      if (dimension.equals("tenant")
          || !UsageReports.DIMENSIONS.containsKey(dimension)
          || dimensions.size() > BY_MAX) {
        throw new IllegalArgumentException(
            "by '"
                + by
                + "' (expected: some of project, key, model, tier, site, jurisdiction, operator,"
                + " day).");
      }
    }
    String format = one(parameters, "format");
    return new Question(
        tenant,
        project,
        month,
        dimensions,
        format == null
            ? accept != null && accept.contains("text/csv") ? Format.FOCUS : Format.JSON
            : switch (format) {
              case "json" -> Format.JSON;
              case "csv" -> Format.CSV;
              case "focus" -> Format.FOCUS;
              case "focus-json" -> Format.FOCUS_JSON;
              default ->
                  throw new IllegalArgumentException(
                      "format '" + format + "' (expected: json, csv, focus or focus-json).");
            });
  }

  private static @Nullable String one(Map<String, List<String>> parameters, String name) {
    List<String> values = parameters.get(name);
    return values == null ? null : values.getFirst();
  }

  private static void say(ChannelHandlerContext context, Answer answer, String requestId) {
    switch (answer) {
      case Answer.Text(String type, String text) ->
          context.writeAndFlush(Answers.text(200, type, text, requestId, 0));
      case Answer.Wrong(String why) -> refuse(context, ApiError.badRequest(why), requestId);
      case Answer.Away _ -> refuse(context, Answers.booksAway(), requestId);
      case Answer.Failed _ ->
          refuse(context, ApiError.server(500, "The usage could not be read."), requestId);
    }
  }

  private static void refuse(ChannelHandlerContext context, ApiError error, String requestId) {
    context.writeAndFlush(Answers.error(error, requestId, 0));
  }
}
