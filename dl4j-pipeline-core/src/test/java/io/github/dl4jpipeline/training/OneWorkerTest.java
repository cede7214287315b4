package io.github.dl4jpipeline.training;

import static org.assertj.core.api.Assertions.assertThat;

import io.github.dl4jpipeline.PipelineComputationGraph;
import io.github.dl4jpipeline.fixture.Probe;
import io.github.dl4jpipeline.fixture.ProbeVertex;
import io.github.dl4jpipeline.fixture.SameResult;
import io.github.dl4jpipeline.fixture.TestData;
import io.github.dl4jpipeline.fixture.TestGraphs;
import io.github.dl4jpipeline.fixture.TwoThreads;
import java.util.HashSet;
import java.util.List;
import java.util.Set;
import org.deeplearning4j.nn.graph.ComputationGraph;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.nd4j.linalg.api.buffer.DataType;
import org.nd4j.linalg.api.memory.MemoryWorkspace;
import org.nd4j.linalg.api.ndarray.INDArray;
import org.nd4j.linalg.dataset.api.MultiDataSet;
import org.nd4j.linalg.factory.Nd4j;

/** A plan with one worker runs in the thread that calls {@code fit}, and leaves no trace there. */
@Timeout(120)
class OneWorkerTest {
    private final Probe probe = new Probe();
    private final List<MultiDataSet> batches =
            TestData.several(4, seed -> TestData.classification(DataType.DOUBLE, seed, 8, 3, 6));

    @AfterEach
    void reset() {
        probe.close();
    }

    private ComputationGraph graph() {
        return TestGraphs.graph(TestGraphs.settings(DataType.DOUBLE)
                .graphBuilder()
                .addInputs("values")
                .addLayer("dense", TestGraphs.dense(6, 8), "values")
                .addVertex("probe", probe.vertex(), "dense")
                .addLayer("output", TestGraphs.softmax(8, 3), "probe")
                .setOutputs("output")
                .build());
    }

    private static PipelineComputationGraph oneWorker(ComputationGraph graph, int stages, int microBatches) {
        return PipelineComputationGraph.builder(graph)
                .plan(SameResult.inTurn(SameResult.evenPlan(graph, stages, microBatches), 1))
                .exampleIndependent(ProbeVertex.class)
                .build();
    }

    @Test
    void itsLayersRunInTheCallersThread() {
        Set<Thread> threads = new HashSet<>();
        probe.onForward(() -> threads.add(Thread.currentThread()));
        probe.onBackward(() -> threads.add(Thread.currentThread()));
        try (PipelineComputationGraph net = oneWorker(graph(), 2, 4)) {
            batches.forEach(net::fit);
        }
        assertThat(threads).containsExactly(Thread.currentThread());
    }

    @Test
    void eachFitMayHaveAnotherThread() throws InterruptedException {
        ComputationGraph graph = graph();
        ComputationGraph expected = SameResult.plain(graph, batches);
        try (PipelineComputationGraph net = oneWorker(graph, 1, 2)) {
            for (MultiDataSet batch : batches) {
                Thread thread = new Thread(() -> net.fit(batch));
                thread.start();
                thread.join();
            }
            SameResult.assertSame(net, expected, 1e-10);
        }
    }

    /** As a user does who frees what a thread has. */
    @Test
    void aThreadDoesNotHoldTheMemoryOfSteps() throws InterruptedException {
        ComputationGraph graph = graph();
        ComputationGraph expected = SameResult.plain(graph, batches.subList(0, 3));
        try (PipelineComputationGraph net = oneWorker(graph, 1, 2)) {
            net.fit(batches.get(0));
            net.output(batches.get(0).getFeatures());
            assertThat(Nd4j.getWorkspaceManager().getAllWorkspacesIdsForCurrentThread())
                    .allMatch(name -> {
                        MemoryWorkspace known = Nd4j.getWorkspaceManager().getWorkspaceForCurrentThread(name);
                        return !known.isScopeActive() && (!name.contains("-stage") || known.getCurrentSize() == 0);
                    });
            Thread other = new Thread(() -> net.fit(batches.get(1)));
            other.start();
            other.join();
            Nd4j.getWorkspaceManager().destroyAllWorkspacesForCurrentThread();
            net.fit(batches.get(2));
            SameResult.assertSame(net, expected, 1e-10);
        }
    }

    @Test
    void whatTheThreadHasIsAsBefore() {
        INDArray expected = withSeed(() -> {});
        try (TwoThreads ignored = new TwoThreads()) {
            try (PipelineComputationGraph net = oneWorker(graph(), 1, 1);
                    MemoryWorkspace own = Nd4j.getWorkspaceManager().getAndActivateWorkspace("own")) {
                INDArray drawn = withSeed(() -> net.fit(batches.get(0)));
                assertThat(drawn).isEqualTo(expected);
                assertThat(Nd4j.getMemoryManager().getCurrentWorkspace()).isSameAs(own);
            }
            assertThat(TwoThreads.now()).isEqualTo(2);
        }
        assertThat(Nd4j.getWorkspaceManager().getAllWorkspacesIdsForCurrentThread())
                .noneMatch(name -> name.startsWith("pipeline-") && name.contains("-stage"));
    }

    /** What the generator gives after a seed and some use. */
    private static INDArray withSeed(Runnable between) {
        Nd4j.getRandom().setSeed(7);
        Nd4j.rand(DataType.DOUBLE, 3);
        between.run();
        assertThat(Nd4j.getRandom().getSeed()).isEqualTo(7);
        return Nd4j.rand(DataType.DOUBLE, 5).dup();
    }
}
