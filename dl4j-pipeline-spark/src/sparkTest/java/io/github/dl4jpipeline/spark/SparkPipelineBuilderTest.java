package io.github.dl4jpipeline.spark;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.github.dl4jpipeline.device.Devices;
import io.github.dl4jpipeline.internal.cluster.Networks;
import io.github.dl4jpipeline.internal.graph.ArrayDifference;
import io.github.dl4jpipeline.partition.PartitionPlan;
import io.github.dl4jpipeline.plan.PlanOptions;
import io.github.dl4jpipeline.plan.Planner;
import io.github.dl4jpipeline.profile.GraphProfile;
import io.github.dl4jpipeline.profile.GraphProfiler;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import org.apache.spark.SparkConf;
import org.apache.spark.api.java.JavaSparkContext;
import org.deeplearning4j.nn.conf.NeuralNetConfiguration;
import org.deeplearning4j.nn.conf.layers.BatchNormalization;
import org.deeplearning4j.nn.conf.layers.OutputLayer;
import org.deeplearning4j.nn.graph.ComputationGraph;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.nd4j.linalg.dataset.api.MultiDataSet;

class SparkPipelineBuilderTest {
    private JavaSparkContext sc = start(new SparkConf());

    private static JavaSparkContext start(SparkConf conf) {
        return start(conf, "local[1]");
    }

    private static JavaSparkContext start(SparkConf conf, String master) {
        return new JavaSparkContext(conf.setAppName("test")
                .setMaster(master)
                .set("spark.ui.enabled", "false")
                .set("spark.driver.host", "127.0.0.1"));
    }

    @AfterEach
    void stop() {
        sc.close();
    }

    private SparkPipelineBuilder builder() {
        return SparkPipeline.on(sc, Networks.CONVOLUTIONS.graph());
    }

    @Test
    void settingsOutOfRangeAreRefused() {
        assertThatThrownBy(() -> builder().stages(0)).hasMessage("stages(0) is too small; it must be at least 1");
        assertThatThrownBy(() -> builder().maxRestarts(-1))
                .hasMessage("maxRestarts(-1) is too small; it must be at least 0");
        assertThatThrownBy(() -> builder().stages(9).build())
                .hasMessageContaining("stages(9): cannot cut 5 vertices into 9 stages; ask for 5 or fewer");
        assertThatThrownBy(() -> builder().replicas(3).microBatches(2).build())
                .hasMessageContaining("replicas(3) share the micro-batches")
                .hasMessageContaining("ask for at least 3 micro-batches, or fewer replicas");
        SparkPipeline planned = builder().evenStages().build();
        PartitionPlan plan = planned.plan().orElseThrow();
        assertThatThrownBy(() -> builder().plan(plan).stages(3).build())
                .hasMessage("stages(3) contradicts the plan, which has 2 stages; leave stages out");
        assertThatThrownBy(() -> builder().plan(plan).evenStages().build())
                .hasMessage("evenStages() contradicts plan(); leave one of them out");
        assertThatThrownBy(() -> planned.fitMultiDataSet(sc.emptyRDD(), 0))
                .hasMessage("epochs must be at least 1, got 0");
    }

    @Test
    void batchNormalizationIsNotSplitUnlessTheUserSaysSo() {
        ComputationGraph graph = new ComputationGraph(new NeuralNetConfiguration.Builder()
                .graphBuilder()
                .addInputs("in")
                .addLayer(
                        "norm", new BatchNormalization.Builder().nIn(3).nOut(3).build(), "in")
                .addLayer("out", new OutputLayer.Builder().nIn(3).nOut(2).build(), "norm")
                .setOutputs("out")
                .build());
        assertThatThrownBy(() -> SparkPipeline.on(sc, graph).microBatches(4).build())
                .hasMessageContaining("microBatches(4), replicas(1): vertex 'norm' needs the whole batch at once")
                .hasMessageContaining("batchNorm(PER_MICRO_BATCH)");
        SparkPipeline.on(sc, graph).build();
    }

    @Test
    void tooFewCoresAreNamed() {
        SparkPipeline pipeline = builder()
                .stages(2)
                .replicas(2)
                .waitForExecutors(Duration.ofMillis(1))
                .build();
        assertThatThrownBy(() -> pipeline.fitMultiDataSet(sc.parallelize(List.<MultiDataSet>of()), 1))
                .hasMessageContaining("but the cluster has room for only 1 after 0 s")
                .hasMessageContaining("start more executors, or ask for fewer stages or replicas");
    }

    @Test
    void workersMayBeThreadsOfTheDriverAndCutByThePlanner() {
        sc.close();
        sc = start(new SparkConf(), "local[2]");
        ComputationGraph graph = Networks.CONVOLUTIONS.graph();
        ComputationGraph expected = graph.clone();
        List<MultiDataSet> batches = new ArrayList<>(Networks.CONVOLUTIONS.batches(2));
        batches.forEach(expected::fit);
        GraphProfile profile = GraphProfiler.profile(graph, (org.nd4j.linalg.dataset.MultiDataSet) batches.get(0));
        PartitionPlan plan = Planner.plan(
                profile,
                Devices.cpu(2),
                PlanOptions.defaults()
                        .withStages(2)
                        .withReplicas(1)
                        .withMicroBatches(4)
                        .withBytesPerSecond(1.25e8));
        SparkPipeline.on(sc, graph).plan(plan).build().fitMultiDataSet(sc.parallelize(batches, 1), 1);
        assertThat(plan.stages()).hasSize(2);
        assertThat(ArrayDifference.of(graph.params(), expected.params()).relative())
                .isLessThan(1e-10);
    }

    @Test
    void executorsThatComeAndGoAreRefused() {
        sc.close();
        sc = start(new SparkConf().set("spark.dynamicAllocation.enabled", "true"));
        assertThatThrownBy(() -> builder().build())
                .hasMessageContaining("spark.dynamicAllocation.enabled=true")
                .hasMessageContaining("set it to false");
    }
}
