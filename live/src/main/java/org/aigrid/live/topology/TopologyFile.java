package org.aigrid.live.topology;

import java.io.IOException;
import java.io.InputStream;
import java.net.URI;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.HashMap;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.stream.Collectors;
import org.aigrid.config.Problem;
import org.aigrid.config.Section;
import org.aigrid.core.admit.FairQueue;
import org.aigrid.core.admit.WaitingRoom;
import org.aigrid.core.engine.Accelerators;
import org.aigrid.core.engine.EngineProfiles;
import org.aigrid.core.engine.Models;
import org.aigrid.core.model.Accelerator;
import org.aigrid.core.model.EndpointSpec;
import org.aigrid.core.model.EngineKind;
import org.aigrid.core.model.LocationClaim;
import org.aigrid.core.model.LocationLevel;
import org.aigrid.core.model.ModelSpec;
import org.aigrid.core.model.ServiceTier;
import org.aigrid.core.model.SiteSpec;
import org.aigrid.core.model.Tier;
import org.aigrid.core.node.Governor;
import org.aigrid.core.node.JobNotice;
import org.aigrid.core.unit.GeoPoint;
import org.aigrid.live.outbound.OutboundAddress;
import org.jspecify.annotations.Nullable;

/// Reads a topology from TOML. Finds everything that is wrong in one pass, each with its line and
/// column; an unknown key is wrong, too. `topologies/tokyo-bay.toml` among the resources is the
/// annotated example.
public final class TopologyFile {
  /// Name of the topology that `grid up` starts when it is given none.
  public static final String BUNDLED = "tokyo-bay.toml";

  /// As long as the longest that a client may wait.
  private static final double WAIT_SECONDS_MAX = 3_600;

  private static final int REPLICAS_MAX = 100_000;
  private static final int SEQUENCES_MAX = 8_192;
  private static final int SEQUENCES_DEFAULT = 64;

  private final String file;
  private final Path folder;
  private final List<Problem> problems = new ArrayList<>();
  private final Map<String, Accelerator> accelerators = new HashMap<>();
  private final Map<String, ModelSpec> models = new HashMap<>();
  private final Map<String, Topology.PlannedSite> sites = new LinkedHashMap<>();
  private final Map<Path, String> jobFiles = new HashMap<>(); // pid file to site

  private TopologyFile(String file, Path folder) {
    this.file = file;
    this.folder = folder;
  }

  /// Reads a file; relative file names in it are relative to its folder.
  public static Topology read(Path path) throws IOException, TopologyException {
    Path folder = path.toAbsolutePath().getParent();
    return new TopologyFile(path.toString(), folder == null ? Path.of(".") : folder)
        .parse(Files.readString(path));
  }

  /// Reads a text; `file` is what its problems call it.
  public static Topology parse(String file, String text) throws TopologyException {
    return new TopologyFile(file, Path.of(".")).parse(text);
  }

  /// The topology that comes with the program: a hub and twelve base stations around Tokyo Bay.
  public static Topology bundled() {
    try (InputStream in = TopologyFile.class.getResourceAsStream("/topologies/" + BUNDLED)) {
      if (in == null) {
        throw new IllegalStateException("resource /topologies/" + BUNDLED + " is missing");
      }
      return parse(BUNDLED, new String(in.readAllBytes(), StandardCharsets.UTF_8));
    } catch (IOException | TopologyException e) {
      throw new IllegalStateException("the bundled topology cannot be used", e);
    }
  }

  private Topology parse(String text) throws TopologyException {
    Section root = Section.parse(file, text, problems);
    throwIfAny();
    if (root == null) {
      throw new IllegalStateException("a text without problems was not read");
    }
    String name = root.text("name");
    readAccelerators(root.optionalSection("accelerator"));
    readModels(root.optionalSection("model"));
    Defaults defaults = readDefaults(root.optionalSection("defaults"));
    for (Section site : root.sections("site", "one [[site]] or more")) {
      readSite(site, defaults);
    }
    Callers callers = readCallers(root.optionalSection("callers"));
    WaitingRoom.Settings waiting = readWaiting(root.optionalSection("waiting"));
    root.reportUnknownKeys();
    throwIfAny();
    if (name == null) {
      throw new IllegalStateException("a topology without name passed its checks");
    }
    return new Topology(
        name,
        callers.home(),
        callers.trusted(),
        callers.places(),
        waiting,
        List.copyOf(sites.values()));
  }

  private void throwIfAny() throws TopologyException {
    if (!problems.isEmpty()) {
      problems.sort(Comparator.comparingInt(Problem::line).thenComparingInt(Problem::column));
      throw new TopologyException(problems);
    }
  }

  private void readAccelerators(@Nullable Section all) {
    if (all == null) {
      return;
    }
    for (String name : all.keys()) {
      Section one = all.optionalSection(name);
      if (one == null) {
        continue;
      }
      Double memoryGb = one.number("memory-gb", 0.1, 1e6);
      Double memoryGbPerSecond = one.number("memory-gb-per-second", 0.1, 1e7);
      Double effectiveTflops = one.number("effective-tflops", 0.001, 1e7);
      one.reportUnknownKeys();
      if (memoryGb != null && memoryGbPerSecond != null && effectiveTflops != null) {
        accelerators.put(
            name.toLowerCase(Locale.ROOT),
            new Accelerator(name, memoryGb, memoryGbPerSecond, effectiveTflops));
      }
    }
  }

  private void readModels(@Nullable Section all) {
    if (all == null) {
      return;
    }
    for (String name : all.keys()) {
      Section one = all.optionalSection(name);
      if (one == null) {
        continue;
      }
      Double billions = one.number("active-parameters-billions", 1e-6, 1e5);
      Long weightBytes = one.whole("weight-bytes", 1, Long.MAX_VALUE);
      Long kvBytesPerToken = one.whole("kv-bytes-per-token", 1, Integer.MAX_VALUE);
      Long contextTokens = one.whole("context-tokens", 1, Integer.MAX_VALUE);
      one.reportUnknownKeys();
      if (billions != null
          && weightBytes != null
          && kvBytesPerToken != null
          && contextTokens != null) {
        models.put(
            name.toLowerCase(Locale.ROOT),
            new ModelSpec(
                name,
                billions,
                weightBytes,
                Math.toIntExact(kvBytesPerToken),
                Math.toIntExact(contextTokens)));
      }
    }
  }

  private record Defaults(
      @Nullable String region,
      @Nullable String jurisdiction,
      @Nullable String operator,
      @Nullable String accelerator,
      @Nullable RadioPlan radio) {}

  private Defaults readDefaults(@Nullable Section section) {
    if (section == null) {
      return new Defaults(null, null, null, null, null);
    }
    var defaults =
        new Defaults(
            section.optionalText("region"),
            section.optionalText("jurisdiction"),
            section.optionalText("operator"),
            section.optionalText("accelerator"),
            readRadio(section.optionalSection("radio")));
    section.reportUnknownKeys();
    return defaults;
  }

  private void readSite(Section section, Defaults defaults) {
    int before = problems.size();
    String id = section.text("id");
    String name = section.textOr("name", id == null ? "?" : id);
    Tier tier = readTier(section);
    String region = section.textOr("region", defaults.region());
    Double latitude = section.number("latitude", -90, 90);
    Double longitude = section.number("longitude", -180, 180);
    String jurisdiction = section.textOr("jurisdiction", defaults.jurisdiction());
    String operator = section.textOr("operator", defaults.operator());
    LocationClaim location = readLocation(section);
    String accelerator =
        section.has("accelerator") ? section.text("accelerator") : defaults.accelerator();
    var endpoints = new ArrayList<EndpointSpec>();
    var engines = new ArrayList<EnginePlan>();
    for (Section endpoint : section.sections("endpoints", "one endpoint or more")) {
      readEndpoint(endpoint, accelerator, endpoints, engines);
    }
    RadioPlan radio =
        section.has("radio")
            ? readRadio(section.optionalSection("radio"))
            : tier == Tier.CELL ? defaults.radio() : null;
    section.reportUnknownKeys();
    if (id == null
        || name == null
        || tier == null
        || region == null
        || latitude == null
        || longitude == null
        || jurisdiction == null
        || operator == null
        || location == null
        || problems.size() > before) {
      if (id != null) {
        idsWithProblems.add(id);
      }
      return;
    }
    try {
      var spec =
          new SiteSpec(
              id,
              name,
              tier,
              region,
              new GeoPoint(latitude, longitude),
              jurisdiction,
              operator,
              location,
              endpoints);
      RadioPlan ownRadio = radio == null ? null : radio.at(id);
      requireOwnJobs(section, id, ownRadio);
      if (sites.putIfAbsent(id, new Topology.PlannedSite(spec, engines, ownRadio)) != null) {
        section.problem("id", "'" + id + "' stands twice (expected: each id once)");
      }
    } catch (IllegalArgumentException e) {
      idsWithProblems.add(id);
      section.problem(String.valueOf(e.getMessage()));
    }
  }

  /// How well a site's place is known. Of each site for itself, never by default: it is a claim
  /// with evidence.
  private static @Nullable LocationClaim readLocation(Section section) {
    Long level = section.wholeOr("location-level", 1, LocationLevel.values().length, 1);
    String evidence = section.optionalText("location-evidence");
    if (level == null) {
      return null;
    }
    try {
      return new LocationClaim(
          LocationLevel.values()[level.intValue() - 1], evidence == null ? "" : evidence);
    } catch (IllegalArgumentException e) {
      section.problem(
          section.has("location-evidence") ? "location-evidence" : "location-level",
          String.valueOf(e.getMessage()));
      return null;
    }
  }

  /// Two governors that stop and start one process would each undo what the other did.
  private void requireOwnJobs(Section section, String id, @Nullable RadioPlan radio) {
    if (radio == null || radio.jobs() == null) {
      return;
    }
    Path file = radio.jobs().pidFile();
    String other = jobFiles.putIfAbsent(file, id);
    if (other != null && !other.equals(id)) {
      section.problem(
          "radio.jobs.pid-file: '"
              + file
              + "' is that of "
              + other
              + ", too (expected: a file for each site; {site} in its name stands for the site's"
              + " id)");
    }
  }

  private @Nullable RadioPlan readRadio(@Nullable Section section) {
    if (section == null) {
      return null;
    }
    String file = section.optionalText("file");
    String url = section.optionalText("url");
    if (file != null && url != null) {
      section.problem("file", "stands beside url (expected: one of them)");
    }
    RadioPlan.Source source = null;
    if (file != null) {
      source = new RadioPlan.Source.Recorded(folder.resolve(file));
    } else if (url != null) {
      source = readMetrics(section, url);
    } else {
      source =
          new RadioPlan.Source.Synthetic(
              section.numberOr("mean", 0, 1, 0.15),
              section.numberOr("burst-every-s", 0.1, 1e9, 60));
    }
    double base =
        section.numberOr("base", 0, 1, source instanceof RadioPlan.Source.Synthetic ? 0 : 0.05);
    double slope = section.numberOr("slope", 0, 10, 1);
    RadioPlan.Split split = readSplit(section.optionalSection("split"));
    RadioPlan.Jobs jobs = readJobs(section.optionalSection("jobs"));
    section.reportUnknownKeys();
    return source == null ? null : new RadioPlan(source, base, slope, split, jobs);
  }

  private static RadioPlan.@Nullable Source readMetrics(Section section, String url) {
    String metric = section.text("metric");
    String labels = section.optionalText("labels");
    double full = section.numberOr("full", 1e-9, 1e12, 1);
    int pollMs = (int) section.numberOr("poll-ms", 10, 3_600_000, 200);
    URI address;
    try {
      address = OutboundAddress.check("address", url, OutboundAddress.Over.HTTP);
    } catch (IllegalArgumentException e) {
      section.problem("url", String.valueOf(e.getMessage()));
      return null;
    }
    return metric == null
        ? null
        : new RadioPlan.Source.Measured(
            address, metric, labels == null ? "" : labels, full, pollMs);
  }

  private static RadioPlan.@Nullable Split readSplit(@Nullable Section section) {
    if (section == null) {
      return null;
    }
    String kind = section.text("kind");
    int serverPid = 0;
    int gpu = 0;
    Map<String, Double> profiles = new LinkedHashMap<>();
    List<String> command = List.of();
    switch (kind == null ? "" : kind) {
      case "mps" -> {
        Double pid = section.number("server-pid", 1, Integer.MAX_VALUE);
        serverPid = pid == null ? 0 : pid.intValue();
      }
      case "mig" -> {
        gpu = (int) section.numberOr("gpu", 0, 1_000, 0);
        Section table = section.optionalSection("profiles");
        if (table == null) {
          section.problem("profiles is missing (expected: { \"1g.24gb\" = 0.25, ... })");
        } else {
          for (String name : table.keys()) {
            Double share = table.number(name, 0.001, 1);
            if (share != null) {
              profiles.put(name, share);
            }
          }
        }
      }
      case "command" -> {
        command = section.texts("command");
        if (command.isEmpty()) {
          section.problem("command is missing (expected: [\"program\", \"{percent}\"])");
        }
      }
      case "" -> {}
      default -> section.problem("kind", "'" + kind + "' (expected: mps, mig or command)");
    }
    double step = section.numberOr("step", 0.001, 1, 0.1);
    int pauseS = (int) section.numberOr("pause-s", 0, 86_400, 60);
    boolean dryRun = section.flagOr("dry-run", false);
    section.reportUnknownKeys();
    return kind == null
        ? null
        : new RadioPlan.Split(kind, serverPid, gpu, profiles, command, step, pauseS, dryRun);
  }

  private RadioPlan.@Nullable Jobs readJobs(@Nullable Section section) {
    if (section == null) {
      return null;
    }
    String pidFile = section.text("pid-file");
    boolean group = section.flagOr("group", true);
    String signal = section.textOr("signal", "USR1");
    if (signal != null && !RadioPlan.Jobs.SIGNALS.contains(signal)) {
      section.problem(
          "signal",
          "'"
              + signal
              + "' (expected: one of "
              + String.join(", ", RadioPlan.Jobs.SIGNALS)
              + "; a job that does not catch it is stopped without it)");
    }
    JobNotice.Settings usual = JobNotice.Settings.DEFAULT;
    double needs = section.numberOr("needs", 0.001, 1, usual.needs());
    int graceMsMax = Governor.Settings.DEFAULT.stepMsMax(); // what is promised to the radio
    int graceMs = (int) section.numberOr("grace-ms", 0, graceMsMax, usual.graceMs());
    int calmS = (int) section.numberOr("calm-s", 0, 86_400, usual.calmMs() / 1_000.0);
    boolean dryRun = section.flagOr("dry-run", false);
    section.reportUnknownKeys();
    return pidFile == null || signal == null
        ? null
        : new RadioPlan.Jobs(folder.resolve(pidFile), group, signal, needs, graceMs, calmS, dryRun);
  }

  /// Ids that other parts of the file may mention without a second complaint.
  private final List<String> idsWithProblems = new ArrayList<>();

  private static @Nullable Tier readTier(Section section) {
    String text = section.text("tier");
    if (text == null) {
      return null;
    }
    for (Tier tier : Tier.values()) {
      if (tier.name().equalsIgnoreCase(text)) {
        return tier;
      }
    }
    section.problem("tier", "'" + text + "' (expected: hub, regional or cell)");
    return null;
  }

  private void readEndpoint(
      Section section,
      @Nullable String siteAccelerator,
      List<EndpointSpec> endpoints,
      List<EnginePlan> engines) {
    ModelSpec model = readModel(section);
    Accelerator accelerator = readAccelerator(section, siteAccelerator);
    Long replicas = section.wholeOr("replicas", 1, REPLICAS_MAX, 1);
    Long sequences = section.wholeOr("sequences", 1, SEQUENCES_MAX, SEQUENCES_DEFAULT);
    EnginePlan engine = readEngine(section);
    section.reportUnknownKeys();
    if (model == null
        || accelerator == null
        || replicas == null
        || sequences == null
        || engine == null) {
      return;
    }
    EngineKind kind =
        switch (engine) {
          case EnginePlan.Emulated _ -> EngineKind.EMULATED;
          case EnginePlan.Gguf _ -> EngineKind.LLAMA;
          case EnginePlan.Server _ -> EngineKind.OPENAI;
        };
    var spec =
        new EndpointSpec(
            model, kind, accelerator, Math.toIntExact(replicas), Math.toIntExact(sequences));
    try {
      EngineProfiles.of(spec);
      endpoints.add(spec);
      engines.add(engine);
    } catch (IllegalArgumentException e) {
      section.problem("model", String.valueOf(e.getMessage()));
    }
  }

  private @Nullable EnginePlan readEngine(Section section) {
    String upstream = section.optionalText("upstream");
    String keyVariable = section.optionalText("upstream-key-variable");
    String gguf = section.optionalText("gguf");
    if (upstream != null && gguf != null) {
      section.problem("gguf", "stands beside upstream (expected: one of them)");
      return null;
    }
    if (gguf != null) {
      return new EnginePlan.Gguf(folder.resolve(gguf));
    }
    if (upstream == null) {
      return new EnginePlan.Emulated();
    }
    try {
      URI url = OutboundAddress.check("address", upstream, OutboundAddress.Over.HTTP);
      return new EnginePlan.Server(url, keyVariable);
    } catch (IllegalArgumentException e) {
      section.problem("upstream", String.valueOf(e.getMessage()));
      return null;
    }
  }

  private @Nullable ModelSpec readModel(Section section) {
    String name = section.text("model");
    if (name == null) {
      return null;
    }
    ModelSpec own = models.get(name.toLowerCase(Locale.ROOT));
    ModelSpec model = own != null ? own : Models.byName(name);
    if (model == null) {
      section.problem(
          "model",
          "unknown model '"
              + name
              + "' (expected: a [model.\""
              + name
              + "\"] in this file, or one of "
              + Models.all().stream().map(ModelSpec::name).collect(Collectors.joining(", "))
              + ")");
    }
    return model;
  }

  private @Nullable Accelerator readAccelerator(Section section, @Nullable String siteAccelerator) {
    String name = section.has("accelerator") ? section.text("accelerator") : siteAccelerator;
    if (name == null) {
      section.problem(
          "accelerator is missing (expected: the name of one, here, at the site or in [defaults])");
      return null;
    }
    Accelerator own = accelerators.get(name.toLowerCase(Locale.ROOT));
    Accelerator accelerator = own != null ? own : Accelerators.byName(name);
    if (accelerator == null) {
      section.problem(
          "accelerator",
          "unknown accelerator '"
              + name
              + "' (expected: an [accelerator.\""
              + name
              + "\"] in this file, or one of "
              + Accelerators.all().stream().map(Accelerator::name).collect(Collectors.joining(", "))
              + ")");
    }
    return accelerator;
  }

  private static WaitingRoom.Settings readWaiting(@Nullable Section section) {
    WaitingRoom.Settings usual = WaitingRoom.Settings.USUAL;
    if (section == null) {
      return usual;
    }
    FairQueue.Settings queue = usual.queue();
    int placeMs = (int) section.numberOr("place-ms", 1, 60_000, usual.placeWaitMsMax());
    int tierMax = (int) section.numberOr("tier-max", 1, 100_000, queue.tierMax());
    int tenantMax = (int) section.numberOr("tenant-max", 1, 100_000, queue.tenantMax());
    List<Double> seconds =
        byTier(
            section.optionalSection("seconds"),
            WAIT_SECONDS_MAX,
            usual.waitMsMax().stream().map(ms -> ms / 1_000.0).toList());
    List<Double> floors = byTier(section.optionalSection("floors"), 1, queue.floors());
    double sum = floors.stream().mapToDouble(Double::doubleValue).sum();
    if (sum >= 1) {
      section.problem("floors", "they sum to " + sum + " (expected: less than 1)");
      floors = queue.floors();
    }
    section.reportUnknownKeys();
    return new WaitingRoom.Settings(
        new FairQueue.Settings(tierMax, tenantMax, floors),
        placeMs,
        seconds.stream().map(value -> (int) (value * 1_000)).toList(),
        usual.tenantBytesMax());
  }

  private static List<Double> byTier(@Nullable Section section, double most, List<Double> usual) {
    if (section == null) {
      return usual;
    }
    var values = new ArrayList<Double>();
    for (ServiceTier tier : ServiceTier.values()) {
      String key = tier.name().toLowerCase(Locale.ROOT);
      values.add(section.numberOr(key, 0, most, usual.get(tier.ordinal())));
    }
    section.reportUnknownKeys();
    return values;
  }

  private record Callers(
      String home, List<AddressPrefix> trusted, List<Topology.CallerPlace> places) {}

  private Callers readCallers(@Nullable Section section) {
    String first = sites.isEmpty() ? "" : sites.keySet().iterator().next();
    if (section == null) {
      return new Callers(first, List.of(), List.of());
    }
    String home = section.textOr("home", first);
    if (section.has("home") && home != null) {
      requireSite(section, "home", home);
    }
    var trusted = new ArrayList<AddressPrefix>();
    for (String network : section.texts("trusted-networks")) {
      AddressPrefix prefix = readPrefix(section, "trusted-networks", network);
      if (prefix != null) {
        trusted.add(prefix);
      }
    }
    var places = new ArrayList<Topology.CallerPlace>();
    Section table = section.optionalSection("by-address");
    if (table != null) {
      for (String network : table.keys()) {
        AddressPrefix prefix = readPrefix(table, network, network);
        String site = table.text(network);
        if (site != null && requireSite(table, network, site) && prefix != null) {
          places.add(new Topology.CallerPlace(prefix, site));
        }
      }
    }
    section.reportUnknownKeys();
    return new Callers(home == null ? first : home, trusted, places);
  }

  private boolean requireSite(Section section, String key, String id) {
    if (sites.containsKey(id) || idsWithProblems.contains(id)) {
      return true;
    }
    section.problem(key, "no site '" + id + "' (expected: the id of a [[site]] in this file)");
    return false;
  }

  private static @Nullable AddressPrefix readPrefix(Section section, String key, String text) {
    try {
      return AddressPrefix.parse(text);
    } catch (IllegalArgumentException e) {
      section.problem(key, String.valueOf(e.getMessage()));
      return null;
    }
  }
}
