package io.github.dl4jpipeline.spark.dl4j;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.within;

import io.github.dl4jpipeline.internal.graph.ArrayDifference;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import org.apache.spark.SparkConf;
import org.apache.spark.api.java.JavaSparkContext;
import org.deeplearning4j.nn.api.Model;
import org.deeplearning4j.nn.conf.ComputationGraphConfiguration;
import org.deeplearning4j.nn.conf.NeuralNetConfiguration;
import org.deeplearning4j.nn.conf.layers.DenseLayer;
import org.deeplearning4j.nn.conf.layers.OutputLayer;
import org.deeplearning4j.nn.graph.ComputationGraph;
import org.deeplearning4j.optimize.api.BaseTrainingListener;
import org.deeplearning4j.spark.impl.graph.SparkComputationGraph;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.nd4j.evaluation.classification.Evaluation;
import org.nd4j.linalg.activations.Activation;
import org.nd4j.linalg.api.buffer.DataType;
import org.nd4j.linalg.api.ndarray.INDArray;
import org.nd4j.linalg.dataset.DataSet;
import org.nd4j.linalg.dataset.api.MultiDataSet;
import org.nd4j.linalg.factory.Nd4j;
import org.nd4j.linalg.learning.config.Nesterovs;

/** {@code SparkComputationGraph} with executors that are processes of their own, against plain Deeplearning4j. */
class PipelineTrainingMasterTest {
    private static final String OPENED = "--add-opens=java.base/sun.nio.ch=ALL-UNNAMED";

    private static JavaSparkContext sc;

    @BeforeAll
    static void start() throws IOException {
        Files.createDirectories(Path.of(System.getenv("SPARK_HOME"), "jars"));
        sc = new JavaSparkContext(new SparkConf()
                .setAppName("test")
                .setMaster("local-cluster[2,1,512]")
                .set("spark.driver.host", "127.0.0.1")
                .set("spark.ui.enabled", "false")
                .set("spark.executor.memory", "512m")
                .set("spark.executor.extraClassPath", System.getProperty("java.class.path"))
                .set(
                        "spark.executor.extraJavaOptions",
                        OPENED + " -XX:TieredStopAtLevel=1 -Dorg.bytedeco.javacpp.maxbytes=1G"
                                + " -Dorg.bytedeco.javacpp.maxphysicalbytes=0"));
    }

    @AfterAll
    static void stop() {
        sc.close();
    }

    private static ComputationGraphConfiguration configuration() {
        return new NeuralNetConfiguration.Builder()
                .seed(7)
                .dataType(DataType.DOUBLE)
                .updater(new Nesterovs(0.1, 0.9))
                .graphBuilder()
                .addInputs("in")
                .addLayer(
                        "dense",
                        new DenseLayer.Builder()
                                .nIn(5)
                                .nOut(6)
                                .activation(Activation.TANH)
                                .build(),
                        "in")
                .addLayer(
                        "out",
                        new OutputLayer.Builder()
                                .nIn(6)
                                .nOut(3)
                                .activation(Activation.SOFTMAX)
                                .build(),
                        "dense")
                .setOutputs("out")
                .build();
    }

    private static List<DataSet> batches() {
        Nd4j.getRandom().setSeed(11);
        List<DataSet> batches = new ArrayList<>();
        for (int examples : new int[] {8, 8, 5}) {
            INDArray labels = Nd4j.zeros(DataType.DOUBLE, examples, 3);
            for (int example = 0; example < examples; example++) {
                labels.putScalar(example, example % 3, 1);
            }
            batches.add(new DataSet(Nd4j.rand(DataType.DOUBLE, examples, 5), labels));
        }
        return batches;
    }

    private static SparkComputationGraph graph() {
        PipelineTrainingMaster master =
                new PipelineTrainingMaster.Builder().evenStages().stages(2).build();
        return new SparkComputationGraph(sc, configuration(), master);
    }

    private static ComputationGraph plainFit(ComputationGraph start, int epochs) {
        ComputationGraph graph = start.clone();
        for (int epoch = 0; epoch < epochs; epoch++) {
            batches().forEach(graph::fit);
            graph.incrementEpochCount();
        }
        return graph;
    }

    private static void requireSame(SparkComputationGraph trained, ComputationGraph expected) {
        ComputationGraph graph = trained.getNetwork();
        assertThat(ArrayDifference.of(graph.params(), expected.params()).relative())
                .isLessThan(1e-10);
        assertThat(ArrayDifference.of(
                                graph.getUpdater().getStateViewArray(),
                                expected.getUpdater().getStateViewArray())
                        .relative())
                .isLessThan(1e-10);
        assertThat(graph.getIterationCount()).isEqualTo(expected.getIterationCount());
        assertThat(graph.getEpochCount()).isEqualTo(expected.getEpochCount());
        assertThat(trained.getScore()).isCloseTo(expected.score(), within(1e-8));
    }

    /** Notes the steps that it is told of. */
    private static final class Steps extends BaseTrainingListener {
        private final List<String> told = new ArrayList<>();

        @Override
        public void iterationDone(Model model, int iteration, int epoch) {
            told.add("step " + iteration + " of epoch " + epoch);
        }
    }

    @Test
    void theResultIsThatOfPlainFit() {
        SparkComputationGraph graph = graph();
        ComputationGraph expected = plainFit(graph.getNetwork(), 2);
        Steps ofNetwork = new Steps();
        Steps ofSpark = new Steps();
        graph.getNetwork().setListeners(ofNetwork);
        graph.setListeners(ofSpark);

        graph.fit(sc.parallelize(batches(), 2));
        graph.fit(sc.parallelize(batches(), 1));

        requireSame(graph, expected);
        assertThat(ofSpark.told)
                .containsExactly(
                        "step 0 of epoch 0",
                        "step 1 of epoch 0",
                        "step 2 of epoch 0",
                        "step 3 of epoch 1",
                        "step 4 of epoch 1",
                        "step 5 of epoch 1");
        assertThat(ofNetwork.told).isEqualTo(ofSpark.told);
        assertThat(graph.getNetwork().getListeners()).containsExactly(ofNetwork);
    }

    @Test
    void batchesMayBeInFilesAndHaveSeveralInputs(@TempDir Path directory) {
        SparkComputationGraph graph = graph();
        ComputationGraph expected = plainFit(graph.getNetwork(), 2);
        List<String> paths = new ArrayList<>();
        List<MultiDataSet> batches = new ArrayList<>();
        for (DataSet batch : batches()) {
            Path file = directory.resolve("batch-" + paths.size());
            batch.save(file.toFile());
            paths.add(file.toUri().toString());
            batches.add(batch.toMultiDataSet());
        }

        graph.fitPaths(sc.parallelize(paths, 1));
        graph.fitMultiDataSet(sc.parallelize(batches, 1));

        requireSame(graph, expected);
        Evaluation evaluation = new Evaluation(3);
        batches().forEach(batch -> evaluation.eval(batch.getLabels(), expected.outputSingle(batch.getFeatures())));
        assertThat(graph.<Evaluation>evaluate(sc.parallelize(batches(), 1)).accuracy())
                .isEqualTo(evaluation.accuracy());
    }

    @Test
    void whatIsNotThereSaysWhatToDo() {
        SparkComputationGraph graph = graph();
        PipelineTrainingMaster master = (PipelineTrainingMaster) graph.getTrainingMaster();
        assertThatThrownBy(master::toJson)
                .isInstanceOf(UnsupportedOperationException.class)
                .hasMessageContaining("build it anew with PipelineTrainingMaster.Builder");
        assertThatThrownBy(() -> graph.setCollectTrainingStats(true)).hasMessageContaining("use a TrainingListener");
        assertThat(graph.getSparkTrainingStats()).isNull();
        assertThatThrownBy(() -> master.getWorkerInstance(graph))
                .hasMessageContaining("SparkComputationGraph.fit starts its workers");
        assertThatThrownBy(() -> master.addHook(null)).hasMessageContaining("use a TrainingListener");
        assertThatThrownBy(() -> master.executeTrainingPaths(null, null, sc.emptyRDD(), null, null))
                .hasMessageContaining("new SparkComputationGraph(sc, network.toComputationGraph(), master)");
    }

    @Test
    void settingsAreCheckedBeforeTraining() {
        SparkComputationGraph graph = new SparkComputationGraph(
                sc,
                configuration(),
                new PipelineTrainingMaster.Builder().stages(3).build());
        INDArray before = graph.getNetwork().params().dup();
        assertThatThrownBy(() -> graph.fit(sc.parallelize(batches(), 1)))
                .hasMessageContaining("stages(3): cannot cut 2 vertices into 3 stages; ask for 2 or fewer");
        assertThat(ArrayDifference.of(graph.getNetwork().params(), before).relative())
                .isZero();
        assertThat(graph.getNetwork().getEpochCount()).isZero();
    }
}
