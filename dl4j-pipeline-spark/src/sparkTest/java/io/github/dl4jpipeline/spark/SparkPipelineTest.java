package io.github.dl4jpipeline.spark;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.within;

import io.github.dl4jpipeline.exception.PipelineException;
import io.github.dl4jpipeline.internal.cluster.Networks;
import io.github.dl4jpipeline.internal.graph.ArrayDifference;
import java.io.IOException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import org.apache.spark.api.java.JavaRDD;
import org.apache.spark.api.java.JavaSparkContext;
import org.deeplearning4j.nn.api.Model;
import org.deeplearning4j.nn.graph.ComputationGraph;
import org.deeplearning4j.optimize.api.BaseTrainingListener;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.nd4j.linalg.dataset.DataSet;
import org.nd4j.linalg.dataset.api.MultiDataSet;

/** Training by executors that are processes of their own, against plain Deeplearning4j. */
class SparkPipelineTest {
    private static RealCluster cluster;
    private static JavaSparkContext sc;

    @BeforeAll
    static void start() throws IOException {
        cluster = new RealCluster(2, 2);
        sc = new JavaSparkContext(cluster.conf());
    }

    @AfterAll
    static void stop() throws IOException, InterruptedException {
        sc.close();
        cluster.close();
    }

    /** What listeners are told. */
    private static final class Told extends BaseTrainingListener {
        private final List<String> events = new ArrayList<>();
        private final List<Double> scores = new ArrayList<>();

        @Override
        public void iterationDone(Model model, int iteration, int epoch) {
            events.add("step " + iteration + " of epoch " + epoch);
            scores.add(model.score());
        }

        @Override
        public void onEpochStart(Model model) {
            events.add("start");
        }

        @Override
        public void onEpochEnd(Model model) {
            events.add("end");
        }
    }

    private static JavaRDD<MultiDataSet> rdd(List<? extends MultiDataSet> batches) {
        List<MultiDataSet> list = new ArrayList<>(batches);
        return sc.parallelize(list, 3);
    }

    private static void requireSame(ComputationGraph graph, ComputationGraph expected) {
        assertThat(ArrayDifference.of(graph.params(), expected.params()).relative())
                .isLessThan(1e-10);
        assertThat(ArrayDifference.of(
                                graph.getUpdater().getStateViewArray(),
                                expected.getUpdater().getStateViewArray())
                        .relative())
                .isLessThan(1e-10);
        assertThat(graph.getIterationCount()).isEqualTo(expected.getIterationCount());
        assertThat(graph.getEpochCount()).isEqualTo(expected.getEpochCount());
    }

    private static void plainFit(ComputationGraph graph, List<? extends MultiDataSet> batches, int epochs) {
        for (int epoch = 0; epoch < epochs; epoch++) {
            graph.getListeners().forEach(listener -> listener.onEpochStart(graph));
            batches.forEach(graph::fit);
            graph.getListeners().forEach(listener -> listener.onEpochEnd(graph));
            graph.incrementEpochCount();
        }
    }

    @ParameterizedTest
    @CsvSource({"CONVOLUTIONS, 2, 1", "CONVOLUTIONS, 2, 2", "LSTM_IN_SEGMENTS, 2, 2", "TWO_INPUTS_TWO_OUTPUTS, 3, 1"})
    void theResultIsThatOfPlainFit(Networks network, int stages, int replicas) {
        ComputationGraph graph = network.graph();
        ComputationGraph expected = graph.clone();
        List<? extends MultiDataSet> batches = network.batches(4);
        Told told = new Told();
        Told expectedTold = new Told();
        expected.setListeners(expectedTold);
        plainFit(expected, batches, 2);
        graph.setListeners(told);
        SparkPipeline.on(sc, graph)
                .evenStages()
                .stages(stages)
                .replicas(replicas)
                .checkpointEvery(3)
                .build()
                .fitMultiDataSet(rdd(batches), 2);
        requireSame(graph, expected);
        assertThat(told.events).isEqualTo(expectedTold.events);
        for (int i = 0; i < told.scores.size(); i++) {
            assertThat(told.scores.get(i)).isCloseTo(expectedTold.scores.get(i), within(1e-8));
        }
    }

    @Test
    void batchesMayBeDataSetsAndTrainingGoesOnWhereItWas(@TempDir Path directory) throws IOException {
        ComputationGraph graph = Networks.CONVOLUTIONS.graph();
        ComputationGraph expected = graph.clone();
        List<DataSet> batches = new ArrayList<>();
        Networks.CONVOLUTIONS
                .batches(3)
                .forEach(batch -> batches.add(new DataSet(batch.getFeatures(0), batch.getLabels(0))));
        List<MultiDataSet> same = new ArrayList<>();
        batches.forEach(batch -> same.add(batch.toMultiDataSet()));
        plainFit(expected, same, 2);
        SparkPipeline pipeline = SparkPipeline.on(sc, graph)
                .evenStages()
                .stages(2)
                .checkpointTo(directory.toUri().toString())
                .build();
        pipeline.fit(sc.parallelize(batches, 2), 1);
        pipeline.fit(sc.parallelize(batches, 1), 1);
        requireSame(graph, expected);
        requireSame(ComputationGraph.load(directory.resolve("checkpoint.zip").toFile(), true), expected);
    }

    @ParameterizedTest
    @CsvSource({"KILL", "STOP"})
    void trainingGoesOnWithoutALostExecutor(String signal) {
        ComputationGraph graph = Networks.CONVOLUTIONS.graph();
        ComputationGraph expected = graph.clone();
        List<? extends MultiDataSet> batches = Networks.CONVOLUTIONS.batches(4);
        plainFit(expected, batches, 10);
        Told told = new Told();
        graph.setListeners(told, new BaseTrainingListener() {
            @Override
            public void iterationDone(Model model, int iteration, int epoch) {
                if (iteration == 12) {
                    RealCluster.signal(signal, cluster.executors().get(0));
                }
            }
        });
        SparkPipeline.on(sc, graph)
                .evenStages()
                .stages(2)
                .replicas(2)
                .checkpointEvery(5)
                .build()
                .fitMultiDataSet(rdd(batches), 10);
        requireSame(graph, expected);
        assertThat(told.events.stream().filter(event -> event.startsWith("step")))
                .hasSize(40)
                .doesNotHaveDuplicates();
    }

    @Test
    void withoutRestartsTheLostWorkerIsNamed() {
        ComputationGraph graph = Networks.CONVOLUTIONS.graph();
        graph.setListeners(new BaseTrainingListener() {
            @Override
            public void iterationDone(Model model, int iteration, int epoch) {
                if (iteration == 12) {
                    RealCluster.signal("KILL", cluster.executors().get(0));
                }
            }
        });
        SparkPipeline pipeline = SparkPipeline.on(sc, graph)
                .evenStages()
                .stages(2)
                .replicas(2)
                .checkpointEvery(5)
                .maxRestarts(0)
                .build();
        assertThatThrownBy(() -> pipeline.fitMultiDataSet(rdd(Networks.CONVOLUTIONS.batches(4)), 10))
                .isInstanceOf(PipelineException.class)
                .hasMessageContaining("on machine 127.0.0.1 (executor")
                .hasMessageContaining("maxRestarts(0)");
        assertThat(graph.getIterationCount()).isPositive().isLessThan(40);
    }

    @Test
    void aBatchOfAWrongShapeIsNamedWithItsPlace() {
        ComputationGraph graph = Networks.CONVOLUTIONS.graph();
        List<MultiDataSet> batches = List.of(
                Networks.CONVOLUTIONS.batches(2).get(0),
                new org.nd4j.linalg.dataset.MultiDataSet(
                        Networks.CONVOLUTIONS.batches(1).get(0).getFeatures(0),
                        Networks.TWO_INPUTS_TWO_OUTPUTS.batches(1).get(0).getLabels(1)));
        SparkPipeline pipeline = SparkPipeline.on(sc, graph)
                .evenStages()
                .stages(2)
                .microBatches(2)
                .build();
        assertThatThrownBy(() -> pipeline.fitMultiDataSet(rdd(batches), 1))
                .isInstanceOf(PipelineException.class)
                .hasMessageContaining("Worker 1, stage 1 on machine 127.0.0.1 (executor")
                .hasMessageContaining("vertex 'out'")
                .hasMessageContaining("micro-batch 1 of 2")
                .hasMessageContaining("batch 1 of epoch 0");
    }

    @Test
    void aFailureOfTheRddIsTold() {
        ComputationGraph graph = Networks.CONVOLUTIONS.graph();
        JavaRDD<MultiDataSet> failing = rdd(Networks.CONVOLUTIONS.batches(2)).map(batch -> {
            throw new IllegalStateException("no such record");
        });
        SparkPipeline pipeline =
                SparkPipeline.on(sc, graph).evenStages().stages(2).build();
        assertThatThrownBy(() -> pipeline.fitMultiDataSet(failing, 1))
                .isInstanceOf(PipelineException.class)
                .hasMessageContaining("no such record");
    }

    /** What is left out, the planner chooses, with links that the workers measure. */
    @Test
    void thePlanIsMadeInTheFirstFit() {
        ComputationGraph graph = Networks.CONVOLUTIONS.graph();
        ComputationGraph expected = graph.clone();
        List<? extends MultiDataSet> batches = Networks.CONVOLUTIONS.batches(3);
        plainFit(expected, batches, 1);
        SparkPipeline pipeline = SparkPipeline.on(sc, graph).stages(2).build();
        assertThat(pipeline.plan()).isEmpty();
        pipeline.fitMultiDataSet(rdd(batches), 1);
        requireSame(graph, expected);
        assertThat(pipeline.plan().orElseThrow().stages()).hasSize(2);
        assertThat(pipeline.plan().orElseThrow().predictedStepTime()).isPositive();
    }

    /** Of a graph that one worker has memory for, and as many workers as there are. */
    @Test
    void numbersOfStagesAndReplicasMayBeLeftOut() {
        ComputationGraph graph = Networks.TWO_INPUTS_TWO_OUTPUTS.graph();
        ComputationGraph expected = graph.clone();
        List<? extends MultiDataSet> batches = Networks.TWO_INPUTS_TWO_OUTPUTS.batches(2);
        plainFit(expected, batches, 1);
        SparkPipeline pipeline = SparkPipeline.on(sc, graph).build();
        pipeline.fitMultiDataSet(rdd(batches), 1);
        requireSame(graph, expected);
        assertThat(pipeline.plan().orElseThrow().workers()).isBetween(1, 4);
    }
}
