package io.github.dl4jpipeline.internal.cluster;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.within;

import io.github.dl4jpipeline.device.Devices;
import io.github.dl4jpipeline.exception.PipelineException;
import io.github.dl4jpipeline.graph.VertexGraph;
import io.github.dl4jpipeline.internal.graph.ArrayDifference;
import io.github.dl4jpipeline.internal.wire.Limits;
import io.github.dl4jpipeline.partition.PartitionPlan;
import io.github.dl4jpipeline.partition.Stage;
import io.github.dl4jpipeline.schedule.Schedule;
import io.github.dl4jpipeline.schedule.Schedules;
import java.io.IOException;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Iterator;
import java.util.List;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.stream.IntStream;
import org.deeplearning4j.nn.api.Model;
import org.deeplearning4j.nn.graph.ComputationGraph;
import org.deeplearning4j.optimize.api.BaseTrainingListener;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.condition.EnabledOnOs;
import org.junit.jupiter.api.condition.OS;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.nd4j.linalg.api.buffer.DataType;
import org.nd4j.linalg.api.ndarray.INDArray;
import org.nd4j.linalg.dataset.MultiDataSet;

/** Workers in threads of this process, which reach each other over the loopback address. */
class LoopbackTrainingTest {
    private static final Limits LIMITS =
            new Limits(Duration.ofMillis(200), Duration.ofSeconds(10), Duration.ofSeconds(10), Duration.ofSeconds(2));

    private final List<Double> scores = new ArrayList<>();

    /** Whether workers are taken to be on several machines. */
    private boolean apart;

    private InetAddress address(int worker) throws IOException {
        return apart ? InetAddress.getByName("127.0.0." + (worker + 1)) : InetAddress.getLoopbackAddress();
    }

    private void train(ComputationGraph graph, PartitionPlan plan, List<MultiDataSet> batches, int epochs)
            throws Exception {
        int workers = plan.workers();
        List<WorkerName> names = IntStream.range(0, workers)
                .mapToObj(worker -> new WorkerName("thread " + worker, "here", "", 1))
                .toList();
        INDArray state = graph.getUpdater(true).getStateViewArray();
        Assignment assignment = new Assignment(
                graph.getConfiguration().toJson(),
                plan.toJson(),
                graph.params().length(),
                state.length(),
                new Progress(0, 0, 0),
                epochs,
                2,
                false);
        BatchCutter cutter = new BatchCutter(VertexGraph.of(graph), graph.getConfiguration(), plan);
        byte[] secret = {1, 2, 3};
        InetAddress loopback = InetAddress.getLoopbackAddress();
        ExecutorService threads = Executors.newFixedThreadPool(workers);
        List<ClusterPeers> peers = new ArrayList<>();
        List<Future<?>> running = new ArrayList<>();
        try (TrainingHost host = new TrainingHost(workers, graph.params(), state, loopback, secret, LIMITS)) {
            for (int worker = 0; worker < workers; worker++) {
                peers.add(
                        new ClusterPeers(worker, address(worker), secret, LIMITS, Duration.ofSeconds(30), () -> false));
            }
            List<InetSocketAddress> addresses =
                    peers.stream().map(ClusterPeers::address).toList();
            for (ClusterPeers own : peers) {
                running.add(threads.submit(() -> {
                    try {
                        own.connect(names, addresses, host.address(), Duration.ofSeconds(10));
                        new StageTraining(assignment, own, Devices.cpu(1).get(0))
                                .run(() -> pieces(cutter, own.worker(), batches));
                    } catch (Throwable e) {
                        own.failed(e.getMessage(), !ClusterPeers.isOfPeer(e));
                    } finally {
                        own.close();
                    }
                    return null;
                }));
            }
            host.run(
                    new TrainingHost.Events() {
                        @Override
                        public void step(int iteration, int epoch, double score) {
                            assertThat(iteration).isEqualTo(scores.size());
                            scores.add(score);
                        }

                        @Override
                        public void checkpoint(Progress progress) {}
                    },
                    () -> null,
                    Duration.ofSeconds(10));
        } finally { // the host says good-bye first, which workers wait for
            for (Future<?> worker : running) {
                worker.get();
            }
            threads.shutdown();
            peers.forEach(ClusterPeers::close);
        }
    }

    private static Iterator<byte[]> pieces(BatchCutter cutter, int worker, List<MultiDataSet> batches) {
        return batches.stream().map(batch -> cutter.piece(worker, batch)).iterator();
    }

    @ParameterizedTest
    @CsvSource({
        "CONVOLUTIONS, 2, 1, 4",
        "CONVOLUTIONS, 3, 1, 3",
        "CONVOLUTIONS, 1, 3, 3",
        "CONVOLUTIONS, 2, 2, 5",
        "BATCH_NORM, 3, 1, 1",
        "LSTM_WITH_MASKS, 2, 1, 3",
        "LSTM_IN_SEGMENTS, 2, 2, 4",
        "CLIPPED, 1, 2, 4",
        "TWO_INPUTS_TWO_OUTPUTS, 2, 1, 3",
        "TWO_INPUTS_TWO_OUTPUTS, 3, 1, 1"
    })
    void theResultIsThatOfPlainFit(Networks network, int stages, int replicas, int microBatches) throws Exception {
        ComputationGraph graph = network.graph();
        ComputationGraph expected = graph.clone();
        List<MultiDataSet> batches = network.batches(3);
        List<Double> expectedScores = new ArrayList<>();
        expected.setListeners(new BaseTrainingListener() {
            @Override
            public void iterationDone(Model model, int iteration, int epoch) {
                expectedScores.add(model.score());
            }
        });
        for (int epoch = 0; epoch < 2; epoch++) {
            for (MultiDataSet batch : batches) {
                expected.fit(batch);
            }
        }
        PartitionPlan plan = EvenPlan.of(VertexGraph.of(graph), stages, replicas, microBatches);
        train(graph, plan, batches, 2);
        requireSame(graph, expected);
        assertThat(scores).hasSameSizeAs(expectedScores);
        for (int i = 0; i < scores.size(); i++) {
            assertThat(scores.get(i)).isCloseTo(expectedScores.get(i), within(1e-8));
        }
    }

    /** Dense layers run several micro-batches as one. With cut 3 these are all that the last stage has. */
    @ParameterizedTest
    @CsvSource({
        "CONVOLUTIONS, 2, 4, 4, 8",
        "CONVOLUTIONS, 2, 4, 2, 8",
        "CONVOLUTIONS, 3, 5, 5, 10",
        "CONVOLUTIONS, 1, 4, 4, 8",
        "CONVOLUTIONS, 3, 4, 2, 7",
        "LSTM_WITH_MASKS, 1, 3, 3, 6",
        "CLIPPED, 2, 5, 3, 9"
    })
    void groupsOfMicroBatchesDoNotChangeTheResult(
            Networks network, int cut, int microBatches, int grouped, int examples) throws Exception {
        ComputationGraph graph = network.graph();
        ComputationGraph expected = graph.clone();
        List<MultiDataSet> batches =
                List.of(network.batch(1, examples), network.batch(2, 2), network.batch(3, examples - 1));
        batches.forEach(expected::fit);
        for (Schedule schedule : Schedules.planned()) {
            ComputationGraph trained = network.graph();
            scores.clear();
            train(trained, grouping(trained, cut, microBatches, grouped).withSchedule(schedule), batches, 1);
            requireSame(trained, expected);
        }
    }

    /** Two stages, the first of which has so many vertices after the inputs. */
    private static PartitionPlan grouping(ComputationGraph graph, int cut, int microBatches, int grouped) {
        PartitionPlan even = EvenPlan.of(VertexGraph.of(graph), 2, 1, microBatches);
        List<String> names = even.stages().stream()
                .flatMap(stage -> stage.vertices().stream())
                .toList();
        int first = graph.getNumInputArrays() + cut;
        return even.withStages(List.of(
                Stage.of(even.stages().get(0).device(), names.subList(0, first)),
                Stage.of(even.stages().get(1).device(), names.subList(first, names.size()))
                        .grouping(grouped)));
    }

    private static void requireSame(ComputationGraph graph, ComputationGraph expected) {
        assertThat(ArrayDifference.of(graph.params(), expected.params()).relative())
                .isLessThan(1e-10);
        assertThat(ArrayDifference.of(
                                graph.getUpdater().getStateViewArray(),
                                expected.getUpdater().getStateViewArray())
                        .relative())
                .isLessThan(1e-10);
    }

    /** The first two share memory, the third is sent copies: its connection is between different addresses. */
    @Test
    @EnabledOnOs(OS.LINUX) // where the whole network 127 is this machine
    void replicasMayBeOnSeveralMachines() throws Exception {
        apart = true;
        ComputationGraph graph = Networks.CONVOLUTIONS.graph();
        ComputationGraph expected = graph.clone();
        List<MultiDataSet> batches = Networks.CONVOLUTIONS.batches(3);
        batches.forEach(expected::fit);
        train(graph, EvenPlan.of(VertexGraph.of(graph), 1, 3, 3), batches, 1);
        requireSame(graph, expected);
    }

    /** With a schedule that splits backward passes, and a batch of fewer examples than there are replicas. */
    @Test
    void stagesMayHaveDifferentNumbersOfReplicas() throws Exception {
        ComputationGraph graph = Networks.CONVOLUTIONS.graph();
        ComputationGraph expected = graph.clone();
        List<MultiDataSet> batches = List.of(Networks.CONVOLUTIONS.batch(1, 7), Networks.CONVOLUTIONS.batch(2, 2));
        batches.forEach(expected::fit);
        List<Stage> one = EvenPlan.of(VertexGraph.of(graph), 2, 1, 3).stages();
        List<Stage> three = EvenPlan.of(VertexGraph.of(graph), 2, 3, 3).stages();
        PartitionPlan plan =
                PartitionPlan.of(List.of(one.get(0), three.get(1)), 3).withSchedule(Schedules.zeroBubble());
        train(graph, plan, batches, 1);
        requireSame(graph, expected);
    }

    /** The engine runs in float. What it changes in one step is held against plain {@code fit}. */
    @ParameterizedTest
    @CsvSource({"CONVOLUTIONS, 2, 2, 4", "BATCH_NORM, 3, 1, 1", "LSTM_WITH_MASKS, 2, 1, 3"})
    void theResultInFloatIsThatOfPlainFit(Networks network, int stages, int replicas, int microBatches)
            throws Exception {
        ComputationGraph graph = network.graph().convertDataType(DataType.FLOAT);
        ComputationGraph expected = graph.clone();
        List<MultiDataSet> batches = List.of(inFloat(network.batch(1, 11)));
        expected.fit(batches.get(0));
        train(graph, EvenPlan.of(VertexGraph.of(graph), stages, replicas, microBatches), batches, 1);
        // Adam's state after one step is the gradient and its square.
        assertThat(ArrayDifference.of(
                                graph.getUpdater().getStateViewArray(),
                                expected.getUpdater().getStateViewArray())
                        .relative())
                .isLessThan(2e-5);
    }

    private static MultiDataSet inFloat(MultiDataSet batch) {
        return new MultiDataSet(
                inFloat(batch.getFeatures()),
                inFloat(batch.getLabels()),
                inFloat(batch.getFeaturesMaskArrays()),
                inFloat(batch.getLabelsMaskArrays()));
    }

    private static INDArray[] inFloat(INDArray[] arrays) {
        return arrays == null
                ? null
                : java.util.Arrays.stream(arrays)
                        .map(array -> array.castTo(DataType.FLOAT))
                        .toArray(INDArray[]::new);
    }

    @Test
    void noiseDoesNotDependOnThePlan() throws Exception {
        ComputationGraph first = Networks.DROPOUT.graph();
        ComputationGraph second = first.clone();
        List<MultiDataSet> batches = Networks.DROPOUT.batches(3);
        train(first, EvenPlan.of(VertexGraph.of(first), 1, 1, 1), batches, 1);
        scores.clear();
        train(second, EvenPlan.of(VertexGraph.of(second), 2, 2, 3), batches, 1);
        assertThat(ArrayDifference.of(second.params(), first.params()).relative())
                .isLessThan(1e-10);
    }

    @Test
    void aBatchOfAWrongShapeIsNamedWithItsPlace() {
        ComputationGraph graph = Networks.CONVOLUTIONS.graph();
        List<MultiDataSet> batches = List.of(
                Networks.CONVOLUTIONS.batch(1, 6),
                new MultiDataSet(
                        Networks.CONVOLUTIONS.batch(1, 6).getFeatures(0),
                        Networks.TWO_INPUTS_TWO_OUTPUTS.batch(1, 6).getLabels(1)));
        PartitionPlan plan = EvenPlan.of(VertexGraph.of(graph), 2, 1, 2);
        assertThatThrownBy(() -> train(graph, plan, batches, 1))
                .isInstanceOf(PipelineException.class)
                .hasMessageContaining("Worker 1, thread 1")
                .hasMessageContaining("stage 1")
                .hasMessageContaining("vertex 'out'")
                .hasMessageContaining("micro-batch 1 of 2")
                .hasMessageContaining("batch 1 of epoch 0");
    }

    @Test
    void aBatchWithoutSomeOfItsArraysIsNamed() {
        ComputationGraph graph = Networks.TWO_INPUTS_TWO_OUTPUTS.graph();
        List<MultiDataSet> batches = List.of(Networks.CONVOLUTIONS.batch(1, 6));
        PartitionPlan plan = EvenPlan.of(VertexGraph.of(graph), 2, 1, 2);
        assertThatThrownBy(() -> train(graph, plan, batches, 1))
                .isInstanceOf(PipelineException.class)
                .hasMessageContaining(
                        "1 arrays of features, but the network needs one for each of its inputs: [a, b] (batch 0 of"
                                + " epoch 0, counted from 0)");
    }
}
