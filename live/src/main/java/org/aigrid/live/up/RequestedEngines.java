package org.aigrid.live.up;

import java.io.IOException;
import java.lang.management.ManagementFactory;
import java.net.URI;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.function.Predicate;
import org.aigrid.core.engine.Accelerators;
import org.aigrid.core.engine.EngineProfiles;
import org.aigrid.core.engine.Models;
import org.aigrid.core.model.Accelerator;
import org.aigrid.core.model.EndpointSpec;
import org.aigrid.core.model.EngineKind;
import org.aigrid.core.model.ModelSpec;
import org.aigrid.core.model.SiteSpec;
import org.aigrid.core.model.Tier;
import org.aigrid.live.chat.ChatClient;
import org.aigrid.live.gguf.GgufException;
import org.aigrid.live.gguf.GgufFile;
import org.aigrid.live.outbound.OutboundAddress;
import org.aigrid.live.topology.EnginePlan;
import org.aigrid.live.topology.Topology;
import org.aigrid.live.topology.Topology.PlannedSite;
import org.jspecify.annotations.Nullable;

/// The engines that the command line asks for beside a topology: files for llama.cpp, and servers
/// by URL. Reads what a file or server says of itself; what it does not say is guessed, and said to
/// be.
final class RequestedEngines {
  /// Name under which `LiveGridSettings.serverKeys` holds the key of the `--upstream` servers.
  static final String UPSTREAM_KEY = "--upstream-key";

  /// Sequences that llama.cpp decodes together here.
  static final int LLAMA_SEQUENCES = 4;

  /// Sequences that a server of somebody else is taken to decode together: vLLM's default is more.
  static final int SERVER_SEQUENCES = 128;

  // What we take this machine's processor for; the agent's measurements replace it in the
  // heartbeats.
  private static final double CPU_GB_PER_SECOND = 40;
  private static final double CPU_TFLOPS = 0.3;

  private RequestedEngines() {}

  static Topology withHubModel(Topology topology, Path file, List<String> notes) {
    PlannedSite hub = hub(topology, "--model");
    return withModel(topology, "--model", file, site -> site.equals(hub.spec()), notes);
  }

  static Topology withCellsModel(Topology topology, Path file, List<String> notes) {
    Predicate<SiteSpec> cells = site -> site.tier() == Tier.CELL;
    if (topology.sites().stream().noneMatch(site -> cells.test(site.spec()))) {
      throw new CommandFailure(
          "--cells-model: the topology has no cell (expected: tier = \"cell\")");
    }
    return withModel(topology, "--cells-model", file, cells, notes);
  }

  private static Topology withModel(
      Topology topology, String option, Path file, Predicate<SiteSpec> wanted, List<String> notes) {
    ModelSpec model = readModel(option, file);
    var endpoint = new EndpointSpec(model, EngineKind.LLAMA, thisMachine(), 1, LLAMA_SEQUENCES);
    try {
      EngineProfiles.of(endpoint);
    } catch (IllegalArgumentException e) {
      throw new CommandFailure(option + " " + file + ": " + e.getMessage());
    }
    notes.add("Model " + model.name() + " runs here, by llama.cpp, from " + file + ".");
    return Attachments.at(
        topology, wanted, new Attachments.Attachment(endpoint, new EnginePlan.Gguf(file)));
  }

  private static ModelSpec readModel(String option, Path file) {
    if (!Files.isRegularFile(file)) {
      throw new CommandFailure(
          option + " " + file + ": there is no such file (expected: a GGUF file)");
    }
    String name = String.valueOf(file.getFileName()).replaceFirst("(?i)\\.gguf$", "");
    try {
      return GgufFile.read(file).toModelSpec(name);
    } catch (GgufException e) {
      throw new CommandFailure(option + ": " + e.getMessage());
    }
  }

  /// The topology with all models of a server, which is asked for them now.
  static Topology withServer(Topology topology, URI url, @Nullable String key, List<String> notes)
      throws InterruptedException {
    try {
      OutboundAddress.check("--upstream", url, OutboundAddress.Over.HTTP);
    } catch (IllegalArgumentException e) {
      throw new CommandFailure(String.valueOf(e.getMessage()));
    }
    List<String> names;
    try (var client = new ChatClient(url, key)) {
      names = client.models();
    } catch (IOException e) {
      String reason = e.getMessage() == null ? "nobody listens there" : e.getMessage();
      throw new CommandFailure(
          "--upstream "
              + url
              + " does not list its models: "
              + reason
              + " (expected: a server"
              + " that speaks the OpenAI API; is it up, is --upstream-key right?)");
    }
    if (names.isEmpty()) {
      throw new CommandFailure("--upstream " + url + " serves no model (expected: one or more)");
    }
    var attachments = new ArrayList<Attachments.Attachment>();
    for (String name : names) {
      ModelSpec known = knownModel(name);
      notes.add(
          "Model "
              + name
              + " comes from "
              + url
              + (known == null
                  ? "; its size is not known here, 8e9 parameters are assumed."
                  : "."));
      attachments.add(
          new Attachments.Attachment(
              new EndpointSpec(
                  renamed(known == null ? required(Models.byName("llama-3.1-8b")) : known, name),
                  EngineKind.OPENAI,
                  required(Accelerators.byName("H200")),
                  1,
                  SERVER_SEQUENCES),
              new EnginePlan.Server(url, key == null ? null : UPSTREAM_KEY)));
    }
    return Attachments.atHub(topology, hub(topology, "--upstream"), attachments);
  }

  /// A model whose name stands in a longer one, as `llama-3.1-8b` in
  /// `meta-llama/Llama-3.1-8B-Instruct`.
  private static @Nullable ModelSpec knownModel(String name) {
    String lower = name.toLowerCase(Locale.ROOT);
    ModelSpec best = null;
    for (ModelSpec model : Models.all()) {
      if (lower.contains(model.name())
          && (best == null || model.name().length() > best.name().length())) {
        best = model;
      }
    }
    return best;
  }

  private static ModelSpec renamed(ModelSpec model, String name) {
    return new ModelSpec(
        name,
        model.activeParametersBillions(),
        model.weightBytes(),
        model.kvBytesPerToken(),
        model.contextTokensMax());
  }

  private static PlannedSite hub(Topology topology, String option) {
    PlannedSite hub = topology.hub();
    if (hub == null) {
      throw new CommandFailure(option + ": the topology has no hub (expected: tier = \"hub\")");
    }
    return hub;
  }

  private static Accelerator thisMachine() {
    double memoryGb = 8;
    if (ManagementFactory.getOperatingSystemMXBean()
        instanceof com.sun.management.OperatingSystemMXBean machine) {
      memoryGb = Math.max(0.1, machine.getTotalMemorySize() / 1e9);
    }
    return new Accelerator("this machine's CPU", memoryGb, CPU_GB_PER_SECOND, CPU_TFLOPS);
  }

  private static <T> T required(@Nullable T known) {
    if (known == null) {
      throw new IllegalStateException("a name of our own tables is unknown");
    }
    return known;
  }
}
