package io.github.dl4jpipeline.planning;

import static org.assertj.core.api.Assertions.assertThat;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import io.github.dl4jpipeline.PipelineComputationGraph;
import io.github.dl4jpipeline.device.Device;
import io.github.dl4jpipeline.device.Devices;
import io.github.dl4jpipeline.fixture.SameResult;
import io.github.dl4jpipeline.fixture.TestData;
import io.github.dl4jpipeline.fixture.TestGraphs;
import io.github.dl4jpipeline.partition.PartitionPlan;
import java.io.IOException;
import java.util.ArrayList;
import java.util.List;
import net.openhft.affinity.Affinity;
import org.deeplearning4j.nn.conf.ComputationGraphConfiguration;
import org.deeplearning4j.nn.conf.ComputationGraphConfiguration.GraphBuilder;
import org.deeplearning4j.nn.graph.ComputationGraph;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.nd4j.linalg.api.buffer.DataType;
import org.nd4j.linalg.dataset.api.MultiDataSet;

/** Invariant 1 when other processes really take a core while training runs. */
@Tag("whole-machine")
class BusyCoreTest {
    private static final double TOLERANCE = 1e-10;
    private static final int LAYERS = 7;
    private static final int WIDTH = 400;
    private static final int EXAMPLES = 50;

    /** It takes 33 if nothing else runs: as many as the medians and their confirmation need. */
    private static final int MOST_STEPS = 250;

    /** Two devices of one core each. */
    private static Devices twoCores() {
        List<Integer> cores = Affinity.getAffinity().stream().boxed().toList();
        assumeTrue(
                cores.size() >= 2 && cores.size() == Runtime.getRuntime().availableProcessors(),
                "needs two cores to which this process can pin threads");
        return Devices.of(device("calm", cores.get(0)), device("busy", cores.get(1)));
    }

    private static Device device(String id, int core) {
        return new Device(id, Device.Kind.CPU, List.of(core), 1L << 30, 1);
    }

    @Test
    void workLeavesABusyCore() throws IOException {
        assumeTrue(BusyCore.isPossible(), "needs the commands setsid, taskset and sh");
        Devices devices = twoCores();
        ComputationGraph start = TestGraphs.graph(evenLayers());
        List<MultiDataSet> batches =
                TestData.several(3, seed -> TestData.classification(DataType.DOUBLE, seed, EXAMPLES, WIDTH, WIDTH));
        List<MultiDataSet> trained = new ArrayList<>();
        try (BusyCore other = new BusyCore(devices.get(1).cores().get(0));
                PipelineComputationGraph net = PipelineComputationGraph.builder(SameResult.copy(start))
                        .devices(devices)
                        .profile(SameResult.evenProfile(start, EXAMPLES))
                        .stages(2)
                        .replicas(1)
                        .microBatches(1)
                        .build()) {
            long before = layersOnBusyDevice(net.plan());
            while (layersOnBusyDevice(net.plan()) >= before && trained.size() < MOST_STEPS) {
                MultiDataSet batch = batches.get(trained.size() % batches.size());
                net.fit(batch);
                trained.add(batch);
            }
            assertThat(other.isBusy()).isTrue();
            assertThat(layersOnBusyDevice(net.plan())).isLessThan(before);
            assertThat(net.report().changes()).isNotEmpty();
            SameResult.assertSame(net, SameResult.plain(start, trained), TOLERANCE);
        }
    }

    private static long layersOnBusyDevice(PartitionPlan plan) {
        return plan.stages().stream()
                .filter(stage -> stage.device().id().equals("busy"))
                .mapToLong(stage -> stage.vertices().size())
                .sum();
    }

    /** Layers that take the same time, as the profile has it, and long compared with a turn of the system's scheduler. */
    private static ComputationGraphConfiguration evenLayers() {
        GraphBuilder builder =
                TestGraphs.settings(DataType.DOUBLE).graphBuilder().addInputs("values");
        String before = "values";
        for (int i = 0; i < LAYERS; i++) {
            builder.addLayer("dense" + i, TestGraphs.dense(WIDTH, WIDTH), before);
            before = "dense" + i;
        }
        return builder.addLayer("output", TestGraphs.softmax(WIDTH, WIDTH), before)
                .setOutputs("output")
                .build();
    }
}
