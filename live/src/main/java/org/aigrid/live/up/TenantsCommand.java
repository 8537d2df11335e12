package org.aigrid.live.up;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.Parameters;
import picocli.CommandLine.Spec;
import tools.jackson.databind.node.ArrayNode;
import tools.jackson.databind.node.ObjectNode;

/// Who may use the running grid, how much, where, and for what money.
@Command(
    name = "tenants",
    description = {
      "Tenants of the running grid (./grid up --data DIR): who pays, how much, for what, and where.",
      "",
      "  ./grid tenants create ministry --name \"Ministry of Trees\"",
      "  ./grid tenants credit ministry 5000",
      "  ./grid tenants policy ministry --jurisdiction JP",
      "  ./grid tenants limit ministry --tokens-per-minute 200000 --tier-ceiling standard",
      "  ./grid tenants budget ministry default 500 --per month",
      "  ./grid tenants role ministry somebody@example auditor",
      "  ./grid keys new --register --tenant ministry --id ministry-1",
      ""
    },
    mixinStandardHelpOptions = true,
    synopsisSubcommandLabel =
        "(list | create | show | credit | limit | policy | project | projects | budget | role |"
            + " roles | price | digest-key | open | close | audit)")
final class TenantsCommand implements Runnable {
  @Spec private @Nullable CommandSpec spec;

  @Override
  public void run() {
    if (spec != null) {
      spec.commandLine().usage(spec.commandLine().getOut());
    }
  }

  private int order(AdminCall admin, String order, ObjectNode body) throws InterruptedException {
    if (spec != null) {
      admin.print(order, body, spec.commandLine().getOut());
    }
    return 0;
  }

  private static ObjectNode of(String tenant) {
    return AdminCall.body().put("tenant", tenant);
  }

  @Command(name = "list", description = "All tenants.", mixinStandardHelpOptions = true)
  int list(@Mixin AdminCall admin) throws InterruptedException {
    return order(admin, "tenants.list", AdminCall.body());
  }

  @Command(
      name = "show",
      description = "One tenant: money, limits, residency.",
      mixinStandardHelpOptions = true)
  int show(@Mixin AdminCall admin, @Parameters(paramLabel = "TENANT") String tenant)
      throws InterruptedException {
    return order(admin, "tenants.show", of(tenant));
  }

  @Command(
      name = "create",
      description = "Makes a tenant with a project 'default'.",
      mixinStandardHelpOptions = true)
  int create(
      @Mixin AdminCall admin,
      @Parameters(paramLabel = "TENANT", description = "Its id.") String tenant,
      @Option(names = "--name", description = "Its name. Default: the id.") @Nullable String name,
      @Option(
              names = "--pays-later",
              description = "Is billed for what it used; without it, it spends what it paid in.")
          boolean paysLater)
      throws InterruptedException {
    ObjectNode body = of(tenant).put("paysLater", paysLater);
    if (name != null) {
      body.put("name", name);
    }
    return order(admin, "tenants.create", body);
  }

  @Command(
      name = "credit",
      description = "Tops a tenant up; a negative amount takes back what is free.",
      mixinStandardHelpOptions = true)
  int credit(
      @Mixin AdminCall admin,
      @Parameters(index = "0", paramLabel = "TENANT") String tenant,
      @Parameters(index = "1", paramLabel = "AMOUNT", description = "In the grid's currency.")
          String amount,
      @Option(
              names = "--reference",
              description = "Of the payment: one that is told twice counts once.")
          @Nullable String reference,
      @Option(names = "--note", description = "For people.") @Nullable String note)
      throws InterruptedException {
    ObjectNode body = of(tenant).put("amount", amount);
    if (reference != null) {
      body.put("reference", reference);
    }
    if (note != null) {
      body.put("note", note);
    }
    return order(admin, "tenants.credit", body);
  }

  @Command(
      name = "limit",
      description = {
        "Sets the limits of a tenant or of one of its projects. The four limits are set together: one"
            + " that is not named is lifted. --none lifts all."
      },
      mixinStandardHelpOptions = true)
  int limit(
      @Mixin AdminCall admin,
      @Parameters(paramLabel = "TENANT") String tenant,
      @Option(names = "--project", description = "Of this project only.") @Nullable String project,
      @Option(names = "--requests-per-second", paramLabel = "N") @Nullable Long perSecond,
      @Option(names = "--requests-per-minute", paramLabel = "N") @Nullable Long perMinute,
      @Option(names = "--tokens-per-minute", paramLabel = "N") @Nullable Long tokens,
      @Option(names = "--concurrent", paramLabel = "N", description = "Requests at a time.")
          @Nullable Long concurrent,
      @Option(names = "--none", description = "No limits.") boolean none,
      @Option(
              names = "--tier-ceiling",
              paramLabel = "TIER",
              description = "realtime, interactive, standard, background or harvest.")
          @Nullable String ceiling,
      @Option(names = "--weight", paramLabel = "N", description = "Its share beside others.")
          @Nullable Integer weight)
      throws InterruptedException {
    ObjectNode body = of(tenant).put("none", none);
    put(body, "project", project);
    put(body, "tierCeiling", ceiling);
    put(body, "requestsPerSecond", perSecond);
    put(body, "requestsPerMinute", perMinute);
    put(body, "tokensPerMinute", tokens);
    put(body, "concurrent", concurrent);
    if (weight != null) {
      body.put("weight", weight);
    }
    return order(admin, "tenants.limit", body);
  }

  private static void put(ObjectNode body, String name, @Nullable String value) {
    if (value != null) {
      body.put(name, value);
    }
  }

  private static void put(ObjectNode body, String name, @Nullable Long value) {
    if (value != null) {
      body.put(name, value);
    }
  }

  @Command(
      name = "policy",
      description = "Says where a tenant's requests, or a project's, may be processed.",
      mixinStandardHelpOptions = true)
  int policy(
      @Mixin AdminCall admin,
      @Parameters(paramLabel = "TENANT") String tenant,
      @Option(names = "--project", description = "Of this project only.") @Nullable String project,
      @Option(
              names = "--jurisdiction",
              split = ",",
              paramLabel = "CODE",
              description = "Such as JP; repeat it for more. Default: any.")
          @Nullable List<String> jurisdictions,
      @Option(names = "--file", paramLabel = "FILE", description = "A policy's text.")
          @Nullable Path file)
      throws InterruptedException {
    ObjectNode body = of(tenant);
    put(body, "project", project);
    ArrayNode codes = body.putArray("jurisdictions");
    if (jurisdictions != null) {
      jurisdictions.forEach(codes::add);
    }
    if (file != null) {
      try {
        body.put("policy", Files.readString(file));
      } catch (IOException e) {
        throw new CommandFailure("cannot read " + file + " (expected: a file with a policy)");
      }
    }
    return order(admin, "tenants.policy", body);
  }

  @Command(name = "project", description = "Makes a project.", mixinStandardHelpOptions = true)
  int project(
      @Mixin AdminCall admin,
      @Parameters(index = "0", paramLabel = "TENANT") String tenant,
      @Parameters(index = "1", paramLabel = "PROJECT") String project)
      throws InterruptedException {
    return order(admin, "tenants.project", of(tenant).put("project", project));
  }

  @Command(
      name = "budget",
      description = {
        "Sets the most that a project may spend of its tenant's money; other projects go on when it is"
            + " used up. What gateways hold counts as spent until they give it back.",
        "",
        "  ./grid tenants budget ministry tax 500 --per month",
        "  ./grid tenants budget ministry tax --none",
        ""
      },
      mixinStandardHelpOptions = true)
  int budget(
      @Mixin AdminCall admin,
      @Parameters(index = "0", paramLabel = "TENANT") String tenant,
      @Parameters(index = "1", paramLabel = "PROJECT") String project,
      @Parameters(
              index = "2",
              arity = "0..1",
              paramLabel = "AMOUNT",
              description = "In the grid's currency.")
          @Nullable String amount,
      @Option(
              names = "--per",
              paramLabel = "PERIOD",
              defaultValue = "total",
              description = "month (UTC), or total: for ever. Default: ${DEFAULT-VALUE}.")
          String per,
      @Option(names = "--none", description = "No budget: all of the tenant's money.") boolean none)
      throws InterruptedException {
    if (none == (amount != null)) {
      throw new CommandFailure("a budget is an AMOUNT or --none (expected: one of them)");
    }
    ObjectNode body = of(tenant).put("project", project).put("per", per).put("none", none);
    put(body, "amount", amount);
    return order(admin, "tenants.budget", body);
  }

  @Command(
      name = "projects",
      description = "The projects of a tenant: budgets, what they have spent, limits.",
      mixinStandardHelpOptions = true)
  int projects(@Mixin AdminCall admin, @Parameters(paramLabel = "TENANT") String tenant)
      throws InterruptedException {
    return order(admin, "tenants.projects", of(tenant));
  }

  @Command(
      name = "role",
      description = {
        "Says what somebody who comes with a token of the tenant's identity provider may do:",
        "  owner, admin   ask models and read the tenant's usage",
        "  member         ask models",
        "  auditor        read the tenant's usage, and not ask models",
        "  none           nothing: this takes a role away",
        "Of whom nothing was said is a member, unless '*', everybody else, has another role."
      },
      mixinStandardHelpOptions = true)
  int role(
      @Mixin AdminCall admin,
      @Parameters(index = "0", paramLabel = "TENANT") String tenant,
      @Parameters(
              index = "1",
              paramLabel = "SUBJECT",
              description = "The claim 'sub' of their tokens; '*' for everybody else.")
          String subject,
      @Parameters(index = "2", paramLabel = "ROLE") String role)
      throws InterruptedException {
    return order(admin, "tenants.role", of(tenant).put("subject", subject).put("role", role));
  }

  @Command(
      name = "roles",
      description = "Who has a role in a tenant.",
      mixinStandardHelpOptions = true)
  int roles(@Mixin AdminCall admin, @Parameters(paramLabel = "TENANT") String tenant)
      throws InterruptedException {
    return order(admin, "tenants.roles", of(tenant));
  }

  @Command(
      name = "digest-key",
      description = {
        "Prints the key of a tenant's digests, in hexadecimal, for the tenant: with it, and with nothing"
            + " else, the tenant shows that a text is the one of a receipt (docs/proof.md). That it was"
            + " printed, and for whom, stands in the audit.",
        ""
      },
      mixinStandardHelpOptions = true)
  int digestKey(@Mixin AdminCall admin, @Parameters(paramLabel = "TENANT") String tenant)
      throws InterruptedException {
    return order(admin, "tenants.digest-key", of(tenant));
  }

  @Command(
      name = "price",
      description = "Sets what a million tokens of a model cost, for all tenants.",
      mixinStandardHelpOptions = true)
  int price(
      @Mixin AdminCall admin,
      @Parameters(index = "0", paramLabel = "MODEL", description = "* for any.") String model,
      @Option(names = "--prompt", required = true, paramLabel = "AMOUNT") String prompt,
      @Option(names = "--cached", paramLabel = "AMOUNT", description = "Default: as --prompt.")
          @Nullable String cached,
      @Option(names = "--output", required = true, paramLabel = "AMOUNT") String output,
      @Option(names = "--tier", paramLabel = "TIER", description = "Default: any.")
          @Nullable String tier,
      @Option(names = "--from", paramLabel = "TIME", description = "ISO 8601. Default: now.")
          @Nullable String from)
      throws InterruptedException {
    ObjectNode body =
        AdminCall.body().put("model", model).put("prompt", prompt).put("output", output);
    put(body, "cached", cached);
    put(body, "tier", tier);
    put(body, "from", from);
    return order(admin, "prices.set", body);
  }

  @Command(name = "open", description = "Lets a tenant in.", mixinStandardHelpOptions = true)
  int open(@Mixin AdminCall admin, @Parameters(paramLabel = "TENANT") String tenant)
      throws InterruptedException {
    return order(admin, "tenants.open", of(tenant));
  }

  @Command(
      name = "close",
      description = "Refuses a tenant's requests from now on; its books stay.",
      mixinStandardHelpOptions = true)
  int close(@Mixin AdminCall admin, @Parameters(paramLabel = "TENANT") String tenant)
      throws InterruptedException {
    return order(admin, "tenants.close", of(tenant));
  }

  @Command(
      name = "audit",
      description = "What administrators did lately: when, who, what.",
      mixinStandardHelpOptions = true)
  int audit(@Mixin AdminCall admin) throws InterruptedException {
    return order(admin, "audit", AdminCall.body());
  }
}
