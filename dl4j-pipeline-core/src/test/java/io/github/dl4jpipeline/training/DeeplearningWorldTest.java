package io.github.dl4jpipeline.training;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.data.Percentage.withPercentage;

import io.github.dl4jpipeline.PipelineComputationGraph;
import io.github.dl4jpipeline.fixture.SameResult;
import io.github.dl4jpipeline.fixture.TestData;
import io.github.dl4jpipeline.fixture.TestGraphs;
import java.io.ByteArrayInputStream;
import java.io.ByteArrayOutputStream;
import java.io.File;
import java.io.IOException;
import java.io.ObjectInputStream;
import java.io.ObjectOutputStream;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import org.deeplearning4j.datasets.iterator.utilty.ListDataSetIterator;
import org.deeplearning4j.earlystopping.EarlyStoppingConfiguration;
import org.deeplearning4j.earlystopping.EarlyStoppingResult;
import org.deeplearning4j.earlystopping.saver.InMemoryModelSaver;
import org.deeplearning4j.earlystopping.scorecalc.DataSetLossCalculator;
import org.deeplearning4j.earlystopping.termination.MaxEpochsTerminationCondition;
import org.deeplearning4j.earlystopping.trainer.EarlyStoppingGraphTrainer;
import org.deeplearning4j.nn.api.Model;
import org.deeplearning4j.nn.graph.ComputationGraph;
import org.deeplearning4j.nn.transferlearning.TransferLearning;
import org.deeplearning4j.optimize.api.BaseTrainingListener;
import org.deeplearning4j.optimize.api.InvocationType;
import org.deeplearning4j.optimize.listeners.CheckpointListener;
import org.deeplearning4j.optimize.listeners.EvaluativeListener;
import org.deeplearning4j.optimize.listeners.PerformanceListener;
import org.deeplearning4j.optimize.listeners.ScoreIterationListener;
import org.deeplearning4j.ui.model.stats.StatsListener;
import org.deeplearning4j.ui.model.stats.api.StatsReport;
import org.deeplearning4j.ui.model.storage.InMemoryStatsStorage;
import org.deeplearning4j.util.ModelSerializer;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.nd4j.evaluation.classification.Evaluation;
import org.nd4j.linalg.api.buffer.DataType;
import org.nd4j.linalg.api.ndarray.INDArray;
import org.nd4j.linalg.dataset.DataSet;
import org.nd4j.linalg.dataset.api.iterator.DataSetIterator;
import org.nd4j.linalg.learning.config.Adam;

/** What users of Deeplearning4j do with a graph, done with a pipeline. */
class DeeplearningWorldTest {
    private static final int BATCH = 9;

    private final List<DataSet> data = new ArrayList<>();
    private final DataSetIterator iterator;

    DeeplearningWorldTest() {
        for (int i = 0; i < 3; i++) {
            data.addAll(TestData.single(TestData.classification(DataType.DOUBLE, i, BATCH, 3, 6))
                    .asList());
        }
        iterator = new ListDataSetIterator<>(data, BATCH);
    }

    private static ComputationGraph graph() {
        return TestGraphs.graph(TestGraphs.dense(DataType.DOUBLE, settings -> settings.updater(new Adam(0.01))));
    }

    private static PipelineComputationGraph pipeline(ComputationGraph graph) {
        return PipelineComputationGraph.builder(graph)
                .profile(SameResult.evenProfile(graph, BATCH))
                .stages(2)
                .microBatches(2)
                .build();
    }

    @Test
    void everyFitMethodCountsStepsAndEpochsLikePlainFit() {
        ComputationGraph graph = graph();
        ComputationGraph expected = SameResult.copy(graph);
        try (PipelineComputationGraph net = pipeline(graph)) {
            for (ComputationGraph trained : List.of(net, expected)) {
                iterator.reset();
                trained.fit(iterator);
                trained.fit(iterator, 2);
                DataSet one = TestData.single(TestData.classification(DataType.DOUBLE, 5, BATCH, 3, 6));
                trained.fit(one);
                trained.fit(one.toMultiDataSet());
                trained.fit(new INDArray[] {one.getFeatures()}, new INDArray[] {one.getLabels()});
                trained.setInputs(one.getFeatures());
                trained.setLabels(one.getLabels());
                trained.fit();
            }
            assertThat(net.getIterationCount()).isEqualTo(13);
            assertThat(net.getEpochCount()).isEqualTo(3);
            SameResult.assertSame(net, expected, 1e-10);
        }
    }

    @Test
    void listenersAreCalledOncePerBatchInOrderAndSeeThePipeline() {
        List<String> calls = new ArrayList<>();
        try (PipelineComputationGraph net = pipeline(graph())) {
            net.setListeners(new ScoreIterationListener(1), new BaseTrainingListener() {
                @Override
                public void onEpochStart(Model model) {
                    assertThat(model).isSameAs(net);
                    calls.add("epoch start");
                }

                @Override
                public void onForwardPass(Model model, Map<String, INDArray> activations) {
                    assertThat(activations.get("dense2").shape()).containsExactly(BATCH, 7);
                    assertThat(activations).containsKeys("values", "dense1", "dense3");
                    calls.add("forward");
                }

                @Override
                public void onBackwardPass(Model model) {
                    assertThat(model.gradient().gradientForVariable()).containsKey("dense1_W");
                    calls.add("backward");
                }

                @Override
                public void onGradientCalculation(Model model) {
                    calls.add("gradient");
                }

                @Override
                public void iterationDone(Model model, int iteration, int epoch) {
                    assertThat(model).isSameAs(net);
                    calls.add("done " + iteration + " " + epoch);
                }

                @Override
                public void onEpochEnd(Model model) {
                    calls.add("epoch end");
                }
            });
            net.fit(iterator);
        }
        assertThat(calls)
                .containsExactly(
                        "epoch start",
                        "forward",
                        "backward",
                        "gradient",
                        "done 0 0",
                        "forward",
                        "backward",
                        "gradient",
                        "done 1 0",
                        "forward",
                        "backward",
                        "gradient",
                        "done 2 0",
                        "epoch end");
    }

    @Test
    void activationsForListenersEqualThoseOfPlainFit() {
        ComputationGraph graph = graph();
        ComputationGraph expected = SameResult.copy(graph);
        List<INDArray> seen = new ArrayList<>();
        BaseTrainingListener listener = new BaseTrainingListener() {
            @Override
            public void onForwardPass(Model model, Map<String, INDArray> activations) {
                seen.add(activations.get("dense3").dup());
            }
        };
        expected.setListeners(listener);
        expected.fit(iterator);
        try (PipelineComputationGraph net = pipeline(graph)) {
            net.setListeners(listener);
            iterator.reset();
            net.fit(iterator);
        }
        for (int i = 0; i < 3; i++) {
            assertThat(SameResult.difference(seen.get(i + 3), seen.get(i))).isLessThan(1e-10);
        }
    }

    @Test
    void performanceListenerSeesTheWholeBatch() {
        try (PipelineComputationGraph net = pipeline(graph())) {
            List<Double> rates = new ArrayList<>();
            net.setListeners(
                    new PerformanceListener.Builder()
                            .setFrequency(1)
                            .reportSample(true)
                            .build(),
                    new BaseTrainingListener() {
                        @Override
                        public void iterationDone(Model model, int iteration, int epoch) {
                            // What PerformanceListener reads.
                            rates.add((double) ((ComputationGraph) model).getInputs()[0].size(0));
                            assertThat(((ComputationGraph) model).getLastEtlTime())
                                    .isNotNegative();
                            assertThat(model.batchSize()).isEqualTo(BATCH);
                        }
                    });
            net.fit(iterator);
            assertThat(rates).containsOnly((double) BATCH).hasSize(3);
        }
    }

    @Test
    void checkpointListenerWritesPlainGraphs(@TempDir Path directory) throws IOException {
        ComputationGraph graph = graph();
        try (PipelineComputationGraph net = pipeline(graph)) {
            net.setListeners(new CheckpointListener.Builder(directory.toFile())
                    .saveEveryNEpochs(1)
                    .keepLast(2)
                    .build());
            net.fit(iterator, 3);
        }
        List<File> files = CheckpointListener.availableCheckpoints(directory.toFile()).stream()
                .map(checkpoint -> new File(directory.toFile(), checkpoint.getFilename()))
                .toList();
        assertThat(files).hasSize(2);
        ComputationGraph last = ModelSerializer.restoreComputationGraph(files.get(1), true);
        assertThat(last.params()).isEqualTo(graph.params());
        assertThat(last.getClass()).isEqualTo(ComputationGraph.class);
    }

    @Test
    void evaluativeListenerEvaluatesWhileTraining() {
        try (PipelineComputationGraph net = pipeline(graph())) {
            EvaluativeListener listener = new EvaluativeListener(
                    new ListDataSetIterator<>(data, BATCH), 1, InvocationType.EPOCH_END, new Evaluation(3));
            net.setListeners(listener);
            net.fit(iterator, 2);
            assertThat(((Evaluation) listener.getEvaluations()[0]).getNumRowCounter())
                    .isEqualTo(27);
        }
    }

    @Test
    void statsListenerWithStorageInMemory() {
        InMemoryStatsStorage storage = new InMemoryStatsStorage();
        try (PipelineComputationGraph net = pipeline(graph())) {
            net.setListeners(new StatsListener(storage, 1));
            net.fit(iterator, 2);
        }
        String session = storage.listSessionIDs().get(0);
        StatsReport report = (StatsReport) storage.getLatestUpdate(
                session,
                "StatsListener",
                storage.listWorkerIDsForSessionAndType(session, "StatsListener").get(0));
        assertThat(report.getIterationCount()).isEqualTo(5);
        assertThat(report.hasScore()).isTrue();
    }

    @Test
    void earlyStoppingKeepsTheBestModel() {
        EarlyStoppingConfiguration<ComputationGraph> configuration = new EarlyStoppingConfiguration.Builder<
                        ComputationGraph>()
                .epochTerminationConditions(new MaxEpochsTerminationCondition(3))
                .scoreCalculator(new DataSetLossCalculator(new ListDataSetIterator<>(data, BATCH), true))
                .modelSaver(new InMemoryModelSaver<>())
                .build();
        try (PipelineComputationGraph net = pipeline(graph())) {
            EarlyStoppingResult<ComputationGraph> result =
                    new EarlyStoppingGraphTrainer(configuration, net, iterator).fit();
            assertThat(result.getTotalEpochs()).isEqualTo(3);
            assertThat(result.getTerminationReason())
                    .isEqualTo(EarlyStoppingResult.TerminationReason.EpochTerminationCondition);
            ComputationGraph best = result.getBestModel();
            assertThat(best.getClass()).isEqualTo(ComputationGraph.class);
            assertThat(best.params()).isEqualTo(net.params());
            assertThat(best.params()).isNotSameAs(net.params());
            assertThat(best.getUpdater().getStateViewArray())
                    .isEqualTo(net.getUpdater().getStateViewArray());
        }
    }

    @Test
    void savingLoadingAndResumingEqualsAnUninterruptedRun(@TempDir Path directory) throws IOException {
        ComputationGraph graph = graph();
        ComputationGraph uninterrupted = SameResult.copy(graph);
        try (PipelineComputationGraph net = pipeline(uninterrupted)) {
            net.fit(iterator, 4);
        }
        File saved = directory.resolve("half.zip").toFile();
        try (PipelineComputationGraph net = pipeline(graph)) {
            net.fit(iterator, 2);
            net.save(saved);
        }
        ComputationGraph loaded = ComputationGraph.load(saved, true);
        assertThat(loaded.getEpochCount()).isEqualTo(2);
        assertThat(loaded.getIterationCount()).isEqualTo(6);
        try (PipelineComputationGraph net = pipeline(loaded)) {
            net.fit(iterator, 2);
            SameResult.assertSame(net, uninterrupted, 1e-10);
        }
        File wrapped = directory.resolve("wrapped.zip").toFile();
        graph.save(wrapped);
        assertThat(ComputationGraph.load(wrapped, true).params())
                .isEqualTo(ComputationGraph.load(saved, true).params());
    }

    @Test
    void transferLearningFromATrainedPipeline() {
        ComputationGraph graph = TestGraphs.graph(TestGraphs.dense(DataType.FLOAT, settings -> settings));
        DataSet batch = TestData.single(TestData.classification(DataType.FLOAT, 1, BATCH, 3, 6));
        try (PipelineComputationGraph net = pipeline(graph)) {
            net.fit(batch);
            ComputationGraph changed = new TransferLearning.GraphBuilder(net)
                    .setFeatureExtractor("dense2")
                    .build();
            assertThat(changed.getLayer("dense1").params())
                    .isEqualTo(net.getLayer("dense1").params());
            ComputationGraph expected = SameResult.copy(changed);
            expected.fit(batch);
            try (PipelineComputationGraph next = pipeline(changed)) {
                next.fit(batch);
                SameResult.assertSame(next, expected, 2e-5);
            }
        }
    }

    @Test
    void evaluateOutputAndScoreAreThoseOfTheWrappedGraph() {
        ComputationGraph graph = graph();
        try (PipelineComputationGraph net = pipeline(graph)) {
            net.fit(iterator);
            INDArray features = data.get(0).getFeatures();
            assertThat(SameResult.difference(net.outputSingle(features), graph.outputSingle(features)))
                    .isLessThanOrEqualTo(1e-6);
            iterator.reset();
            DataSet all = iterator.next();
            assertThat(net.score(all)).isCloseTo(graph.score(all), withPercentage(1e-4));
            iterator.reset();
            Evaluation ofPipeline = net.evaluate(iterator);
            iterator.reset();
            Evaluation ofGraph = graph.evaluate(iterator);
            assertThat(ofPipeline.accuracy()).isEqualTo(ofGraph.accuracy());
            assertThat(net.summary()).isEqualTo(graph.summary());
        }
    }

    @Test
    void cloneAndJavaSerializationGivePlainIndependentGraphs() throws IOException, ClassNotFoundException {
        try (PipelineComputationGraph net = pipeline(graph())) {
            net.fit(iterator);
            ComputationGraph clone = net.clone();
            assertThat(clone.getClass()).isEqualTo(ComputationGraph.class);
            assertThat(clone).isEqualTo(net);
            assertThat(clone.getIterationCount()).isEqualTo(3);
            clone.setListeners(new ScoreIterationListener());
            assertThat(net.getListeners()).isEmpty();
            clone.params().addi(1);
            assertThat(clone.params()).isNotEqualTo(net.params());

            ByteArrayOutputStream bytes = new ByteArrayOutputStream();
            try (ObjectOutputStream out = new ObjectOutputStream(bytes)) {
                out.writeObject(net);
            }
            try (ObjectInputStream in = new ObjectInputStream(new ByteArrayInputStream(bytes.toByteArray()))) {
                Object read = in.readObject();
                assertThat(read.getClass()).isEqualTo(ComputationGraph.class);
                assertThat(((ComputationGraph) read).params()).isEqualTo(net.params());
            }
        }
    }
}
