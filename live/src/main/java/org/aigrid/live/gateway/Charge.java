package org.aigrid.live.gateway;

import io.netty.buffer.ByteBuf;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.function.Consumer;
import org.aigrid.core.model.ServiceTier;
import org.aigrid.core.model.SiteSpec;
import org.aigrid.live.books.Purses;
import org.aigrid.live.books.TenantResidencies;
import org.aigrid.live.books.UsageRecord;
import org.aigrid.live.proof.Receipt;
import org.aigrid.live.proof.TenantDigests;
import org.jspecify.annotations.Nullable;

/// What one request of a tenant costs, from its entry to its line in the journal and its receipt.
/// On the client's event loop, but for what the journal calls back.
final class Charge {
  private static final int PRINTABLE_CHARS_MAX = 200;

  private final Tenancy tenancy;
  private final KeyEntry key;
  private final Purses.Ticket ticket;
  private final String requestId;
  private final String model;
  private final ServiceTier tier;
  private final int promptTokens;
  private final String policyVersion;
  private final String requestDigest;
  private final TenantDigests.Running answerDigest;
  private final long begunAtMs = System.currentTimeMillis();
  private final List<SiteSpec> sites = new ArrayList<>(1);
  private final List<Integer> begunAtTokens = new ArrayList<>(1); // of the answer, by try
  private boolean cut;
  private boolean settled;

  /// @param promptTokens as the gateway estimates them
  /// @param body of the request
  /// @param rules by which it was let in
  Charge(
      Tenancy tenancy,
      KeyEntry key,
      Purses.Ticket ticket,
      String requestId,
      String model,
      ServiceTier tier,
      int promptTokens,
      ByteBuf body,
      TenantResidencies.Ruled rules) {
    this.tenancy = tenancy;
    this.key = key;
    this.ticket = ticket;
    this.requestId = requestId;
    this.model = model;
    this.tier = tier;
    this.promptTokens = promptTokens;
    policyVersion = rules.version();
    TenantDigests digests = tenancy.digests(key.tenant());
    TenantDigests.Running running = digests.begin();
    running.update(body.nioBuffer());
    requestDigest = running.end();
    answerDigest = digests.begin();
  }

  /// A site is sent the request, of whose answer the client has had so much.
  void tried(SiteSpec site, int tokens) {
    sites.add(site);
    begunAtTokens.add(tokens);
  }

  /// Whether so many tokens more may be passed on. False: the budget has ended.
  boolean passes(int tokens) {
    boolean paid = ticket.passes(tokens);
    cut |= !paid;
    return paid;
  }

  /// The client has been passed this.
  void passed(ByteBuf bytes) {
    for (var piece : bytes.nioBuffers()) {
      answerDigest.update(piece);
    }
  }

  /// The request is over: charges it, and has it written down.
  ///
  /// @param site where the answer came from; null when none did
  /// @param written hears, on any thread and once, whether it is on the disk
  void settle(
      int prompt,
      int cached,
      int output,
      String outcome,
      @Nullable SiteSpec site,
      long viewRevision,
      Consumer<Boolean> written) {
    if (settled) {
      return;
    }
    settled = true;
    if (sites.isEmpty()) {
      ticket.abandon(); // nobody has seen it
      written.accept(true);
      return;
    }
    Purses.Charged charged = ticket.settle(prompt, cached, output);
    String ended = cut ? "cut" : outcome;
    long endedAtMs = System.currentTimeMillis();
    SiteSpec last = site == null ? sites.getLast() : site;
    var record =
        new UsageRecord(
            requestId,
            key.tenant(),
            key.project(),
            key.id(),
            model,
            tier,
            last.id(),
            last.jurisdiction(),
            last.operator(),
            ticket.line().id(),
            prompt,
            cached,
            output,
            charged.micros(),
            charged.listMicros(),
            attempts(output),
            ended,
            begunAtMs,
            endedAtMs);
    Receipt receipt = receipt(record, last, viewRevision);
    boolean taken =
        tenancy
            .journal()
            .append(
                record,
                durable -> {
                  if (durable) {
                    tenancy.issue(receipt);
                  }
                  written.accept(durable);
                });
    if (!taken) {
      written.accept(false);
    }
  }

  /// Such as `cell-1:10/3 hub:13/20`: what each computed of the prompt and of what came before it,
  /// and what it added.
  private String attempts(int output) {
    var text = new StringBuilder();
    for (int i = 0; i < sites.size(); i++) {
      int from = begunAtTokens.get(i);
      int to = i + 1 < sites.size() ? begunAtTokens.get(i + 1) : Math.max(from, output);
      text.append(i == 0 ? "" : " ")
          .append(sites.get(i).id())
          .append(':')
          .append(promptTokens + from)
          .append('/')
          .append(to - from);
    }
    return text.toString();
  }

  /// As receipts can hold it: up to 200 visible characters of ASCII.
  static String printable(String text) {
    boolean plain = text.length() <= PRINTABLE_CHARS_MAX;
    for (int i = 0; plain && i < text.length(); i++) {
      plain = visible(text.charAt(i));
    }
    if (plain) {
      return text; // nearly always, and three times a request
    }
    var out = new StringBuilder();
    text.codePoints()
        .limit(PRINTABLE_CHARS_MAX)
        .forEach(c -> out.append(visible(c) ? (char) c : '_'));
    return out.toString();
  }

  private static boolean visible(int c) {
    return c >= '!' && c <= '~';
  }

  private Receipt receipt(UsageRecord record, SiteSpec last, long viewRevision) {
    var attempts = new ArrayList<Receipt.Attempt>();
    int from = Math.max(0, sites.size() - Receipt.ATTEMPTS_MAX);
    for (int i = from; i < sites.size(); i++) {
      SiteSpec site = sites.get(i);
      String went = i + 1 < sites.size() ? "left" : record.outcome();
      attempts.add(
          new Receipt.Attempt(site.id(), printable(site.operator()), site.jurisdiction(), went));
    }
    return new Receipt(
        tenancy.operator(),
        requestId,
        tenancy.digests(key.tenant()).pseudonym(),
        last.id(),
        printable(last.operator()),
        last.jurisdiction(),
        last.location().level().name(),
        attempts,
        policyVersion,
        viewRevision,
        null,
        printable(model),
        null,
        requestDigest,
        answerDigest.end(),
        new Receipt.Usage(
            record.promptTokens(),
            record.cachedTokens(),
            record.outputTokens(),
            tier.name().toLowerCase(Locale.ROOT)),
        record.outcome(),
        "gateway",
        begunAtMs,
        record.endedAtMs(),
        null);
  }
}
