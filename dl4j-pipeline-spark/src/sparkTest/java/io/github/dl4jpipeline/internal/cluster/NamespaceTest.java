package io.github.dl4jpipeline.internal.cluster;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import io.github.dl4jpipeline.graph.VertexGraph;
import io.github.dl4jpipeline.internal.graph.ArrayDifference;
import io.github.dl4jpipeline.partition.PartitionPlan;
import java.io.IOException;
import java.time.Duration;
import java.util.Collections;
import java.util.List;
import org.deeplearning4j.nn.graph.ComputationGraph;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.nd4j.linalg.dataset.MultiDataSet;

/**
 * Two machines, which are a network namespace and what is outside of it, with a link of 1 Gbit/s between them; with 1 ms of latency
 * each way where the kernel has netem. Needs root and {@code ip netns}.
 */
class NamespaceTest {
    private static final String SPACE = "dl4jp" + ProcessHandle.current().pid();
    private static final String HERE = "dp" + ProcessHandle.current().pid();
    private static final String THERE = "dq" + ProcessHandle.current().pid();
    private static final String OWN = "10.213.7.1";
    private static final String OTHER = "10.213.7.2";

    private static boolean run(String... command) {
        try {
            return new ProcessBuilder(command)
                            .redirectErrorStream(true)
                            .redirectOutput(ProcessBuilder.Redirect.DISCARD)
                            .start()
                            .waitFor()
                    == 0;
        } catch (IOException e) {
            return false; // there is no such program
        } catch (InterruptedException e) {
            throw new IllegalStateException(e);
        }
    }

    private static boolean ip(String arguments) {
        return run(("ip " + arguments).split(" "));
    }

    @BeforeAll
    static void start() {
        assumeTrue(ip("netns add " + SPACE), "network namespaces need root and the program ip");
        assumeTrue(
                ip("link add " + HERE + " type veth peer name " + THERE + " netns " + SPACE)
                        && ip("addr add " + OWN + "/30 dev " + HERE)
                        && ip("link set " + HERE + " up")
                        && ip("-n " + SPACE + " addr add " + OTHER + "/30 dev " + THERE)
                        && ip("-n " + SPACE + " link set " + THERE + " up")
                        && ip("-n " + SPACE + " link set lo up"),
                "there are no veth devices");
        limit("");
        limit("ip netns exec " + SPACE + " ");
    }

    private static void limit(String prefix) {
        String device = prefix.isEmpty() ? HERE : THERE;
        String add = prefix + "tc qdisc add dev " + device + " root ";
        if (!run((add + "netem delay 1ms rate 1gbit").split(" "))) {
            run((add + "tbf rate 1gbit burst 100kb latency 50ms").split(" "));
        }
    }

    @AfterAll
    static void stop() {
        ip("link del " + HERE);
        ip("netns del " + SPACE);
    }

    private static WorkerProcesses.Place place(Duration silence) {
        return new WorkerProcesses.Place(
                List.of(List.of(), List.of("ip", "netns", "exec", SPACE)),
                List.of(OWN, OTHER),
                OWN,
                List.of("-Xmx256m", "-XX:TieredStopAtLevel=1", "-Dorg.bytedeco.javacpp.maxbytes=1g"),
                silence);
    }

    @Test
    void theResultIsThatOfPlainFit() throws IOException, InterruptedException {
        ComputationGraph graph = Networks.CONVOLUTIONS.graph();
        ComputationGraph expected = graph.clone();
        List<MultiDataSet> batches = Networks.CONVOLUTIONS.batches(3);
        batches.forEach(expected::fit);
        PartitionPlan plan = EvenPlan.of(VertexGraph.of(graph), 2, 1, 4);
        WorkerProcesses.train(graph, plan, batches, 1, place(Duration.ofSeconds(8)), step -> {});
        assertThat(ArrayDifference.of(graph.params(), expected.params()).relative())
                .isLessThan(1e-10);
    }

    /** Nothing says that it has ended: what is sent is lost. */
    @Test
    void aNetworkThatBreaksIsNoticed() {
        ComputationGraph graph = Networks.CONVOLUTIONS.graph();
        List<MultiDataSet> batches = Collections.nCopies(4, Networks.CONVOLUTIONS.batch(1, 8));
        PartitionPlan plan = EvenPlan.of(VertexGraph.of(graph), 2, 1, 4);
        assertThatThrownBy(() ->
                        WorkerProcesses.train(graph, plan, batches, 1_000_000, place(Duration.ofSeconds(2)), step -> {
                            if (step == 5) {
                                ip("-n " + SPACE + " link set " + THERE + " down");
                            }
                        }))
                .isInstanceOf(WorkerLostException.class)
                .hasMessageContaining("on machine " + OTHER)
                .hasMessageContaining("after iteration");
        ip("-n " + SPACE + " link set " + THERE + " up");
    }
}
