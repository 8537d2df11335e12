package org.aigrid.live.topology;

import static java.util.Objects.requireNonNull;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.catchThrowableOfType;

import java.net.InetAddress;
import java.net.URI;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.stream.Stream;
import org.aigrid.config.Problem;
import org.aigrid.core.admit.WaitingRoom;
import org.aigrid.core.model.EngineKind;
import org.aigrid.core.model.LocationClaim;
import org.aigrid.core.model.LocationLevel;
import org.aigrid.core.model.Tier;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

class TopologyFileTest {
  private static final String SMALL =
      """
      name = "small"
      [defaults]
      region = "r"
      jurisdiction = "JP"
      operator = "o"
      accelerator = "L4"
      [[site]]
      id = "cell-a"
      tier = "cell"
      latitude = 35.0
      longitude = 139
      endpoints = [{ model = "llama-3.2-1b" }]
      """;

  @Test
  void theBundledTopologyIsAHubAndTwelveBaseStations() {
    Topology topology = TopologyFile.bundled();
    assertThat(topology.sites()).hasSize(13);
    assertThat(topology.sites().stream().filter(s -> s.spec().tier() == Tier.CELL)).hasSize(12);
    assertThat(requireNonNull(topology.hub()).spec().endpoints()).hasSize(2);
    assertThat(topology.homeSite()).isEqualTo("cell-minato");
    assertThat(
            topology
                .sites()
                .get(1)
                .spec()
                .position()
                .distanceKm(topology.sites().get(2).spec().position()))
        .isBetween(4.0, 8.0);
  }

  @Test
  void howLongRequestsWaitCanBeSaid() throws Exception {
    assertThat(TopologyFile.parse("t", SMALL).waiting()).isEqualTo(WaitingRoom.Settings.USUAL);
    WaitingRoom.Settings said =
        TopologyFile.parse(
                "t",
                SMALL
                    + """
                      [waiting]
                      place-ms = 50
                      tenant-max = 7
                      seconds = { realtime = 0.5, harvest = 0 }
                      floors = { harvest = 0.2 }
                      """)
            .waiting();
    assertThat(said.placeWaitMsMax()).isEqualTo(50);
    assertThat(said.queue().tenantMax()).isEqualTo(7);
    assertThat(said.queue().tierMax()).isEqualTo(WaitingRoom.Settings.USUAL.queue().tierMax());
    assertThat(said.waitMsMax()).containsExactly(500, 10_000, 30_000, 120_000, 0);
    assertThat(said.queue().floors()).containsExactly(0.0, 0.0, 0.1, 0.02, 0.2);
    assertThatThrownBy(
            () -> TopologyFile.parse("t", SMALL + "[waiting]\nfloors = { harvest = 0.95 }\n"))
        .hasMessageContaining("expected: less than 1");
    assertThatThrownBy(
            () -> TopologyFile.parse("t", SMALL + "[waiting]\nseconds = { batch = 1 }\n"))
        .hasMessageContaining("batch");
  }

  @Test
  void theExamplesBesideTheProgramCanBeUsed() throws Exception {
    Path folder = Path.of(System.getProperty("grid.root", ".."), "topologies");
    try (Stream<Path> files = Files.list(folder)) {
      List<Path> examples = files.filter(f -> f.toString().endsWith(".toml")).toList();
      assertThat(examples).isNotEmpty();
      for (Path example : examples) {
        assertThat(TopologyFile.read(example).sites()).as(example.toString()).isNotEmpty();
      }
    }
  }

  @Test
  void defaultsFillWhatASiteDoesNotSay() throws Exception {
    Topology topology = TopologyFile.parse("small.toml", SMALL);
    var site = topology.sites().getFirst().spec();
    assertThat(site.jurisdiction()).isEqualTo("JP");
    assertThat(site.name()).isEqualTo("cell-a");
    assertThat(site.endpoints().getFirst().kind()).isEqualTo(EngineKind.EMULATED);
    assertThat(site.endpoints().getFirst().sequencesMax()).isEqualTo(64);
    assertThat(topology.homeSite()).isEqualTo("cell-a");
  }

  @Test
  void aSiteClaimsWhatItsEvidenceShowsAndOtherwiseOnlyWhatItsOperatorDeclares() throws Exception {
    assertThat(TopologyFile.parse("small.toml", SMALL).sites().getFirst().spec().location())
        .isEqualTo(LocationClaim.DECLARED);
    String evidence = "sha256:" + "7f".repeat(32);
    String measured = SMALL + "location-level = 2\nlocation-evidence = \"" + evidence + "\"\n";
    assertThat(TopologyFile.parse("small.toml", measured).sites().getFirst().spec().location())
        .isEqualTo(new LocationClaim(LocationLevel.L2, evidence));
  }

  @Test
  void aLevelThatNothingShowsIsRefusedWithItsLine() {
    for (String[] wrong :
        new String[][] {
          {"location-level = 2", ":13:", "level 2 without evidence (expected: the SHA-256"},
          {
            "location-level = 4", ":13:", "location-level: 4 (expected: a whole number from 1 to 3)"
          },
          {"location-level = \"L2\"", ":13:", "'L2' (expected: a whole number from 1 to 3)"},
          {
            "location-level = 3\nlocation-evidence = \"a letter\"",
            ":14:",
            "location evidence 'a letter' (expected: sha256: and"
          }
        }) {
      assertThatThrownBy(() -> TopologyFile.parse("small.toml", SMALL + wrong[0] + "\n"))
          .as(wrong[0])
          .isInstanceOf(TopologyException.class)
          .hasMessageContaining(wrong[1])
          .hasMessageContaining(wrong[2]);
    }
    String byDefault =
        SMALL.replace("accelerator = \"L4\"", "accelerator = \"L4\"\nlocation-level = 2");
    assertThatThrownBy(() -> TopologyFile.parse("small.toml", byDefault))
        .hasMessageContaining("unknown key defaults.location-level");
  }

  @Test
  void anEndpointMayBeAServerOrAFile(@TempDir Path folder) throws Exception {
    Path file = folder.resolve("grid.toml");
    Files.writeString(
        file,
        SMALL.replace(
            "[{ model = \"llama-3.2-1b\" }]",
            "[{ model = \"llama-3.2-1b\", gguf = \"one.gguf\" }, { model = \"llama-3.1-8b\","
                + " upstream = \"http://10.0.0.1:8000/v1\", upstream-key-variable = \"KEY\" }]"));
    var site = TopologyFile.read(file).sites().getFirst();
    assertThat(site.engines())
        .containsExactly(
            new EnginePlan.Gguf(folder.resolve("one.gguf")),
            new EnginePlan.Server(URI.create("http://10.0.0.1:8000/v1"), "KEY"));
    assertThat(site.spec().endpoints().get(1).kind()).isEqualTo(EngineKind.OPENAI);
  }

  @Test
  void everythingThatIsWrongIsSaidAtOnceWithItsPlace() {
    List<String> problems =
        problemsOf(
            """
            name = "broken"
            colour = "red"
            [defaults]
            region = "r"
            jurisdiction = "JP"
            [callers]
            home = "cell-z"
            trusted-networks = ["10.0.0.1/8"]
            [[site]]
            id = "cell-a"
            tier = "basement"
            latitude = 95.0
            longitude = "east"
            operator = "o"
            accelerator = "L4"
            endpoints = [{ model = "llama-9", replicas = 0 }]
            [[site]]
            id = "cell-b"
            tier = "cell"
            latitude = 35.0
            longitude = 139.0
            operator = "o"
            accelerator = "L4"
            endpoints = [{ model = "llama-3.1-70b" }]
            """);
    assertThat(problems)
        .anySatisfy(
            p -> assertThat(p).startsWith("t.toml:2:1: unknown key colour (expected: one of"))
        .anySatisfy(p -> assertThat(p).startsWith("t.toml:7:1: callers.home: no site 'cell-z'"))
        .anySatisfy(
            p -> assertThat(p).startsWith("t.toml:8:1: callers.trusted-networks: '10.0.0.1/8' has"))
        .anySatisfy(
            p -> assertThat(p).startsWith("t.toml:11:1: site[0].tier: 'basement' (expected: hub,"))
        .anySatisfy(
            p ->
                assertThat(p)
                    .startsWith("t.toml:12:1: site[0].latitude: 95.0 (expected: a number from -90"))
        .anySatisfy(
            p ->
                assertThat(p)
                    .startsWith("t.toml:13:1: site[0].longitude: 'east' (expected: a number"))
        .anySatisfy(p -> assertThat(p).contains("unknown model 'llama-9'").contains("llama-3.1-8b"))
        .anySatisfy(p -> assertThat(p).contains("replicas: 0 (expected: a whole number from 1"))
        .anySatisfy(p -> assertThat(p).startsWith("t.toml:24:").contains("does not fit on L4"))
        .hasSize(9);
  }

  @Test
  void aBatchJobBesideTheRadioIsReadWithItsDefaults(@TempDir Path folder) throws Exception {
    Path file = folder.resolve("t.toml");
    Files.writeString(
        file,
        SMALL
            + """
            [site.radio.jobs]
            pid-file = "job.pid"
            [[site]]
            id = "cell-b"
            tier = "cell"
            latitude = 35.0
            longitude = 139
            endpoints = [{ model = "llama-3.2-1b" }]
            [site.radio]
            mean = 0.2
            [site.radio.jobs]
            pid-file = "/run/{site}.pid"
            group = false
            signal = "USR2"
            needs = 0.5
            grace-ms = 40
            calm-s = 5
            dry-run = true
            """);
    List<Topology.PlannedSite> sites = TopologyFile.read(file).sites();
    assertThat(jobs(sites.getFirst()))
        .isEqualTo(new RadioPlan.Jobs(folder.resolve("job.pid"), true, "USR1", 0.3, 80, 30, false));
    assertThat(jobs(sites.get(1)))
        .isEqualTo(new RadioPlan.Jobs(Path.of("/run/cell-b.pid"), false, "USR2", 0.5, 40, 5, true));
  }

  @Test
  void eachBaseStationHasABatchJobOfItsOwn() throws Exception {
    String second = SMALL.substring(SMALL.indexOf("[[site]]")).replace("cell-a", "cell-b");
    String jobs = "[defaults.radio.jobs]\npid-file = \"/run/NAME.pid\"\n";
    String both = SMALL.replace("[[site]]", jobs + "[[site]]") + second;
    Topology topology = TopologyFile.parse("t.toml", both.replace("NAME", "{site}"));
    assertThat(topology.sites())
        .extracting(site -> jobs(site).pidFile())
        .containsExactly(Path.of("/run/cell-a.pid"), Path.of("/run/cell-b.pid"));
    assertThat(problemsOf(both.replace("NAME", "job")))
        .singleElement()
        .asString()
        .contains("site[1]: radio.jobs.pid-file: '/run/job.pid' is that of cell-a, too (expected:");
  }

  @Test
  void whatIsWrongWithABatchJobIsSaidWithItsPlace() {
    assertThat(
            problemsOf(
                SMALL
                    + """
                    [site.radio.jobs]
                    signal = "KILL"
                    needs = 0
                    grace-ms = 100
                    calm-s = -1
                    grup = true
                    """))
        .satisfiesExactlyInAnyOrder(
            p ->
                assertThat(p)
                    .startsWith("t.toml:13:1: site[0].radio.jobs.pid-file is missing (expected:"),
            p ->
                assertThat(p)
                    .startsWith("t.toml:14:1: site[0].radio.jobs.signal: 'KILL' (expected: one of"),
            p -> assertThat(p).startsWith("t.toml:15:1: site[0].radio.jobs.needs: 0 (expected: a"),
            p -> assertThat(p).contains("grace-ms: 100 (expected: a number from 0 to 90)"),
            p -> assertThat(p).contains("calm-s: -1 (expected: a number from 0 to 86400)"),
            p -> assertThat(p).startsWith("t.toml:18:1: unknown key site[0].radio.jobs.grup"));
  }

  private static RadioPlan.Jobs jobs(Topology.PlannedSite site) {
    return requireNonNull(requireNonNull(site.radio()).jobs());
  }

  @Test
  void brokenTomlIsSaidWithItsPlace() {
    assertThat(problemsOf("name = \nx = 1\n")).first().asString().startsWith("t.toml:1:8: ");
  }

  @Test
  void anEmptyFileSaysWhatIsMissing() {
    assertThat(problemsOf(""))
        .containsExactly(
            "t.toml: name is missing (expected: text)",
            "t.toml: site is missing (expected: one [[site]] or more)");
  }

  @Test
  void anIdThatStandsTwiceIsRefused() {
    assertThat(problemsOf(SMALL + SMALL.substring(SMALL.indexOf("[[site]]"))))
        .singleElement()
        .asString()
        .contains("'cell-a' stands twice");
  }

  @Test
  void aMissingValueNamesTheSiteThatLacksIt() {
    assertThat(problemsOf(SMALL.replace("latitude = 35.0\n", "")))
        .containsExactly(
            "t.toml:8:1: site[0].latitude is missing (expected: a number from -90 to 90)");
  }

  @Test
  void prefixesContainWhatTheyShould() throws Exception {
    assertThat(AddressPrefix.parse("10.1.0.0/16").contains(ip("10.1.255.3"))).isTrue();
    assertThat(AddressPrefix.parse("10.1.0.0/16").contains(ip("10.2.0.0"))).isFalse();
    assertThat(AddressPrefix.parse("192.168.128.0/17").contains(ip("192.168.200.1"))).isTrue();
    assertThat(AddressPrefix.parse("192.168.128.0/17").contains(ip("192.168.127.1"))).isFalse();
    assertThat(AddressPrefix.parse("0.0.0.0/0").contains(ip("8.8.8.8"))).isTrue();
    assertThat(AddressPrefix.parse("0.0.0.0/0").contains(ip("2001:db8::1"))).isFalse();
    assertThat(AddressPrefix.parse("2001:db8::/32").contains(ip("2001:db8:7::1"))).isTrue();
    assertThat(AddressPrefix.parse("127.0.0.1").contains(ip("127.0.0.2"))).isFalse();
  }

  @ParameterizedTest
  @ValueSource(
      strings = {"", "10.0.0.0/33", "10.0.0.0/-1", "10.0.0.0/x", "example.org/8", "10.0.0"})
  void whatIsNoNetworkIsRefused(String text) {
    assertThatThrownBy(() -> AddressPrefix.parse(text))
        .isInstanceOf(IllegalArgumentException.class);
  }

  private static InetAddress ip(String text) {
    return InetAddress.ofLiteral(text);
  }

  private static List<String> problemsOf(String toml) {
    TopologyException e =
        catchThrowableOfType(TopologyException.class, () -> TopologyFile.parse("t.toml", toml));
    return e.problems().stream().map(Problem::toString).toList();
  }
}
