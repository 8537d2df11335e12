package org.aigrid.live.up;

import java.util.HashMap;
import java.util.List;
import java.util.Map;
import org.aigrid.core.model.EndpointSpec;
import org.aigrid.core.node.Governor;
import org.aigrid.live.control.HeartbeatSink;
import org.aigrid.live.engine.EmulatedEngine;
import org.aigrid.live.engine.LlamaProcess;
import org.aigrid.live.http.EventLoops;
import org.aigrid.live.site.Backend;
import org.aigrid.live.site.OpenAiEngine;
import org.aigrid.live.site.OpenAiSettings;
import org.aigrid.live.site.SiteAgent;
import org.aigrid.live.site.SiteAgentSettings;
import org.aigrid.live.site.SitePolicy;
import org.aigrid.live.site.WorkLog;
import org.aigrid.live.topology.EnginePlan;
import org.aigrid.live.topology.Topology;
import org.aigrid.live.topology.Topology.PlannedSite;

/// What a site is made from in this process: turns a plan into a running agent with its engines.
///
/// @param token the secret that gateway and agents share
/// @param loops event loops that all agents share
/// @param settings bounds
/// @param llamaThreads that compute for each llama.cpp engine
/// @param policy what sites think of their orders
/// @param work where they record what they took on
record SiteParts(
    String token,
    EventLoops loops,
    LiveGridSettings settings,
    int llamaThreads,
    SitePolicy policy,
    WorkLog work) {
  /// Longest prompt and answer of one sequence in llama.cpp: each slot's KV cache is allocated at
  /// the start.
  static final int LLAMA_CONTEXT_TOKENS_MAX = 8_192;

  /// What starts the sites of a topology: its llama.cpp engines share this machine's processors.
  static SiteParts of(
      Topology topology, String token, LiveGridSettings settings, SitePolicy policy, WorkLog work) {
    long llamas =
        topology.sites().stream()
            .flatMap(site -> site.engines().stream())
            .filter(EnginePlan.Gguf.class::isInstance)
            .count();
    int threads = (int) (Runtime.getRuntime().availableProcessors() / Math.max(1, llamas));
    return new SiteParts(
        token,
        new EventLoops("sites", settings.siteThreads()),
        settings,
        Math.max(1, threads),
        policy,
        work);
  }

  /// Starts a site; what was started of it is stopped again when an engine fails.
  SiteAgent start(PlannedSite plan, HeartbeatSink sink) {
    Map<String, Backend> backends = new HashMap<>();
    try {
      List<EndpointSpec> endpoints = plan.spec().endpoints();
      for (int i = 0; i < endpoints.size(); i++) {
        EndpointSpec endpoint = endpoints.get(i);
        backends.put(
            endpoint.model().name(),
            backend(endpoint, plan.engines().get(i), plan.radio() != null));
      }
      return SiteAgent.start(
          SiteAgentSettings.of(plan.spec(), token)
              .beating(settings.heartbeatMs(), settings.leaseMs())
              .judging(policy, work),
          backends,
          loops,
          sink,
          SharedGpus.of(plan.radio(), plan.spec().id()));
    } catch (RuntimeException e) {
      backends.values().forEach(Backend::close);
      throw e;
    }
  }

  /// Beside a radio an engine takes prompts in pieces that keep the promise to it.
  private static double stepMsMax(boolean besideRadio) {
    return besideRadio ? Governor.Settings.DEFAULT.stepMsMax() : Double.POSITIVE_INFINITY;
  }

  private Backend backend(EndpointSpec endpoint, EnginePlan plan, boolean besideRadio) {
    return switch (plan) {
      case EnginePlan.Emulated _ ->
          new Backend.Local(
              new EmulatedEngine(endpoint, settings.waitingMax(), stepMsMax(besideRadio)), true);
      case EnginePlan.Gguf(var file) ->
          new Backend.Local(
              new LlamaProcess(
                  endpoint.model().name(),
                  file,
                  endpoint.sequencesMax(),
                  Math.min(endpoint.model().contextTokensMax(), LLAMA_CONTEXT_TOKENS_MAX),
                  settings.waitingMax(),
                  llamaThreads),
              false);
      case EnginePlan.Server(var url, var keyName) ->
          new Backend.Remote(
              new OpenAiEngine(
                  OpenAiSettings.of(
                      endpoint.model().name(),
                      url,
                      keyName == null ? null : settings.serverKeys().get(keyName))));
    };
  }
}
