package org.aigrid.live.up;

import static java.util.Objects.requireNonNull;
import static org.assertj.core.api.Assertions.assertThat;

import java.net.URI;
import java.nio.file.Path;
import java.util.List;
import org.aigrid.core.engine.Accelerators;
import org.aigrid.core.model.Accelerator;
import org.aigrid.core.model.EndpointSpec;
import org.aigrid.core.model.EngineKind;
import org.aigrid.core.model.ModelSpec;
import org.aigrid.core.model.Tier;
import org.aigrid.live.topology.EnginePlan;
import org.aigrid.live.topology.Topology;
import org.aigrid.live.topology.TopologyFile;
import org.junit.jupiter.api.Test;

class AttachmentsTest {
  private final Topology bundled = TopologyFile.bundled();

  @Test
  void anEngineComesBeforeWhatASiteHadAndReplacesAModelOfItsName() {
    Topology topology =
        Attachments.at(bundled, site -> site.tier() == Tier.CELL, gguf("llama-3.1-8b"));
    assertThat(topology.sites()).hasSameSizeAs(bundled.sites());
    assertThat(topology.sites().get(1).engines())
        .containsExactly(new EnginePlan.Gguf(Path.of("a.gguf")));
    assertThat(topology.sites().getFirst()).isEqualTo(bundled.sites().getFirst());

    Topology more = Attachments.at(bundled, site -> site.tier() == Tier.CELL, gguf("tiny"));
    assertThat(models(more, 1)).containsExactly("tiny", "llama-3.1-8b");
  }

  @Test
  void twoServersOfTheSameModelBecomeTwoSites() {
    Topology one = atHub(bundled, server("llama-3.1-8b", "http://a"), server("x", "http://a"));
    assertThat(one.sites()).hasSize(13);
    assertThat(models(one, 0)).containsExactly("llama-3.1-8b", "x", "llama-3.1-70b");

    Topology two = atHub(one, server("llama-3.1-8b", "http://b"));
    assertThat(two.sites()).hasSize(14);
    assertThat(two.sites().get(1).spec().id()).isEqualTo("hub-tomakomai-2");
    assertThat(two.sites().get(1).spec().tier()).isEqualTo(Tier.HUB);
    assertThat(models(two, 1)).containsExactly("llama-3.1-8b");

    Topology three = atHub(two, server("llama-3.1-8b", "http://c"));
    assertThat(three.sites().get(1).spec().id()).isEqualTo("hub-tomakomai-3");
  }

  private static Topology atHub(Topology topology, Attachments.Attachment... attachments) {
    return Attachments.atHub(topology, requireNonNull(topology.hub()), List.of(attachments));
  }

  private static List<String> models(Topology topology, int site) {
    return topology.sites().get(site).spec().endpoints().stream()
        .map(e -> e.model().name())
        .toList();
  }

  private static Attachments.Attachment gguf(String name) {
    return new Attachments.Attachment(
        endpoint(name, EngineKind.LLAMA), new EnginePlan.Gguf(Path.of("a.gguf")));
  }

  private static Attachments.Attachment server(String name, String url) {
    return new Attachments.Attachment(
        endpoint(name, EngineKind.OPENAI), new EnginePlan.Server(URI.create(url), null));
  }

  private static EndpointSpec endpoint(String name, EngineKind kind) {
    Accelerator gpu = requireNonNull(Accelerators.byName("L4"));
    return new EndpointSpec(new ModelSpec(name, 1, 1_000, 10, 1_000), kind, gpu, 1, 4);
  }
}
