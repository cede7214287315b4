package io.github.dl4jpipeline.spark.dl4j;

import io.github.dl4jpipeline.graph.BatchNormStatistics;
import io.github.dl4jpipeline.internal.exception.Given;
import io.github.dl4jpipeline.partition.PartitionPlan;
import io.github.dl4jpipeline.spark.SparkPipeline;
import io.github.dl4jpipeline.spark.SparkPipelineBuilder;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Collection;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Set;
import java.util.function.Consumer;
import org.apache.spark.SparkContext;
import org.apache.spark.api.java.JavaRDD;
import org.apache.spark.api.java.JavaSparkContext;
import org.deeplearning4j.core.loader.DataSetLoader;
import org.deeplearning4j.core.loader.MultiDataSetLoader;
import org.deeplearning4j.core.storage.StatsStorageRouter;
import org.deeplearning4j.core.storage.listener.RoutingIterationListener;
import org.deeplearning4j.nn.graph.ComputationGraph;
import org.deeplearning4j.optimize.api.TrainingListener;
import org.deeplearning4j.spark.api.TrainingHook;
import org.deeplearning4j.spark.api.TrainingMaster;
import org.deeplearning4j.spark.api.TrainingResult;
import org.deeplearning4j.spark.api.TrainingWorker;
import org.deeplearning4j.spark.api.stats.SparkTrainingStats;
import org.deeplearning4j.spark.impl.graph.SparkComputationGraph;
import org.deeplearning4j.spark.impl.multilayer.SparkDl4jMultiLayer;
import org.jspecify.annotations.Nullable;
import org.nd4j.linalg.dataset.DataSet;
import org.nd4j.linalg.dataset.api.MultiDataSet;

/**
 * Trains a {@link SparkComputationGraph} as {@link SparkPipeline} does: its stages on different executors, and with the result of plain
 * {@code fit}.
 *
 * <pre>{@code
 * SparkComputationGraph graph = new SparkComputationGraph(
 *         sc, configuration, new PipelineTrainingMaster.Builder().stages(2).build());
 * graph.fit(batches);    // a JavaRDD<DataSet>: each element is one batch, for all workers together
 * }</pre>
 *
 * <p>Listeners of the {@code SparkComputationGraph} and of its network are called on the driver, once for each step. Parameters and updater
 * state of the network are those of the last checkpoint while it trains, and those after the last step when {@code fit} returns.
 */
public final class PipelineTrainingMaster implements TrainingMaster<TrainingResult, TrainingWorker<TrainingResult>> {
    private final List<Consumer<SparkPipelineBuilder>> settings;
    private List<TrainingListener> listeners = List.of();
    private @Nullable Current current;

    /** What is trained now, with its plan. */
    private record Current(JavaSparkContext sc, ComputationGraph graph, SparkPipeline pipeline) {
        @SuppressWarnings("ReferenceEquality") // equal graphs are not the same
        boolean isOf(SparkComputationGraph trained) {
            return sc == trained.getSparkContext() && graph == trained.getNetwork();
        }
    }

    private PipelineTrainingMaster(List<Consumer<SparkPipelineBuilder>> settings) {
        this.settings = List.copyOf(settings);
    }

    /**
     * Settings, as {@link SparkPipelineBuilder} explains them. All of them can be left out. The first {@code fit} checks them, since they
     * depend on the graph.
     */
    public static final class Builder {
        private final List<Consumer<SparkPipelineBuilder>> settings = new ArrayList<>();

        private Builder with(Consumer<SparkPipelineBuilder> setting) {
            settings.add(setting);
            return this;
        }

        /** See {@link SparkPipelineBuilder#stages}. */
        public Builder stages(int number) {
            return with(pipeline -> pipeline.stages(number));
        }

        /** See {@link SparkPipelineBuilder#replicas}. */
        public Builder replicas(int number) {
            return with(pipeline -> pipeline.replicas(number));
        }

        /** See {@link SparkPipelineBuilder#microBatches}. */
        public Builder microBatches(int number) {
            return with(pipeline -> pipeline.microBatches(number));
        }

        /** See {@link SparkPipelineBuilder#plan}. */
        public Builder plan(PartitionPlan value) {
            Given.notNull("plan", value);
            return with(pipeline -> pipeline.plan(value));
        }

        /** See {@link SparkPipelineBuilder#evenStages}. */
        public Builder evenStages() {
            return with(SparkPipelineBuilder::evenStages);
        }

        /** See {@link SparkPipelineBuilder#batchNorm}. */
        public Builder batchNorm(BatchNormStatistics value) {
            Given.notNull("batchNorm", value);
            return with(pipeline -> pipeline.batchNorm(value));
        }

        /** See {@link SparkPipelineBuilder#exampleIndependent}. */
        public Builder exampleIndependent(Class<?>... classes) {
            Class<?>[] copy = classes.clone();
            return with(pipeline -> pipeline.exampleIndependent(copy));
        }

        /** See {@link SparkPipelineBuilder#checkpointEvery}. */
        public Builder checkpointEvery(int steps) {
            return with(pipeline -> pipeline.checkpointEvery(steps));
        }

        /** See {@link SparkPipelineBuilder#checkpointTo}. */
        public Builder checkpointTo(String directory) {
            Given.notNull("checkpointTo", directory);
            return with(pipeline -> pipeline.checkpointTo(directory));
        }

        /** See {@link SparkPipelineBuilder#maxRestarts}. */
        public Builder maxRestarts(int number) {
            return with(pipeline -> pipeline.maxRestarts(number));
        }

        /** See {@link SparkPipelineBuilder#waitForExecutors}. */
        public Builder waitForExecutors(Duration limit) {
            Given.notNull("waitForExecutors", limit);
            return with(pipeline -> pipeline.waitForExecutors(limit));
        }

        /** For a {@link SparkComputationGraph}. */
        public PipelineTrainingMaster build() {
            return new PipelineTrainingMaster(settings);
        }
    }

    /** One epoch; each element is one batch. */
    @Override
    public void executeTraining(SparkComputationGraph graph, JavaRDD<DataSet> batches) {
        train(graph, pipeline -> pipeline.fit(batches, 1));
    }

    /** One epoch; each element is one batch. */
    @Override
    public void executeTrainingMDS(SparkComputationGraph graph, JavaRDD<MultiDataSet> batches) {
        train(graph, pipeline -> pipeline.fitMultiDataSet(batches, 1));
    }

    /** One epoch; each file is one batch, which executors read. */
    @Override
    public void executeTrainingPaths(
            @Nullable SparkDl4jMultiLayer network,
            @Nullable SparkComputationGraph graph,
            JavaRDD<String> paths,
            @Nullable DataSetLoader loader,
            @Nullable MultiDataSetLoader multiLoader) {
        if (graph == null) {
            throw onlyGraphs();
        }
        BatchFiles files = new BatchFiles(graph.getSparkContext(), paths);
        if (multiLoader != null) {
            executeTrainingMDS(graph, files.multiDataSets(multiLoader));
        } else {
            executeTraining(graph, files.dataSets(Given.notNull("The loader of files", loader)));
        }
    }

    private void train(SparkComputationGraph trained, Consumer<SparkPipeline> fit) {
        SparkPipeline pipeline = pipeline(trained);
        ComputationGraph graph = trained.getNetwork();
        List<TrainingListener> own = List.copyOf(graph.getListeners());
        Set<TrainingListener> all = new LinkedHashSet<>(own);
        all.addAll(listeners);
        graph.setListeners(all);
        try {
            fit.accept(pipeline);
        } finally {
            graph.setListeners(own);
        }
        // SparkComputationGraph counts the epoch itself.
        graph.getConfiguration().setEpochCount(graph.getEpochCount() - 1);
        trained.setScore(graph.score());
    }

    /** The same one for all epochs of a graph, so that its plan is made once. */
    private SparkPipeline pipeline(SparkComputationGraph trained) {
        Current present = current;
        if (present == null || !present.isOf(trained)) {
            SparkPipelineBuilder builder = SparkPipeline.on(trained.getSparkContext(), trained.getNetwork());
            settings.forEach(setting -> setting.accept(builder));
            present = new Current(trained.getSparkContext(), trained.getNetwork(), builder.build());
            current = present;
        }
        return present.pipeline();
    }

    /** Listeners that are called on the driver, besides those of the network. */
    @Override
    public void setListeners(@Nullable Collection<TrainingListener> given) {
        listeners = given == null ? List.of() : List.copyOf(given);
    }

    /** As {@link #setListeners(Collection)}; those that store statistics do so in the given router. */
    @Override
    public void setListeners(@Nullable StatsStorageRouter router, @Nullable Collection<TrainingListener> given) {
        setListeners(given);
        for (TrainingListener listener : listeners) {
            if (router != null && listener instanceof RoutingIterationListener routed) {
                routed.setStorageRouter(router);
            }
        }
    }

    /** Not supported: networks of layers are converted first. */
    @Override
    public void executeTraining(SparkDl4jMultiLayer network, JavaRDD<DataSet> batches) {
        throw onlyGraphs();
    }

    private static UnsupportedOperationException onlyGraphs() {
        return new UnsupportedOperationException("PipelineTrainingMaster trains no SparkDl4jMultiLayer; use"
                + " new SparkComputationGraph(sc, network.toComputationGraph(), master)");
    }

    /** Not supported: workers are started by {@code fit}, and exchange more than one result. */
    @Override
    public TrainingWorker<TrainingResult> getWorkerInstance(SparkComputationGraph graph) {
        throw new UnsupportedOperationException(
                "PipelineTrainingMaster has no TrainingWorker; SparkComputationGraph.fit starts its workers");
    }

    /** Not supported: networks of layers are converted first. */
    @Override
    public TrainingWorker<TrainingResult> getWorkerInstance(SparkDl4jMultiLayer network) {
        throw onlyGraphs();
    }

    /** Not supported: hooks see a whole network in each worker. */
    @Override
    public void addHook(TrainingHook hook) {
        throw new UnsupportedOperationException(
                "PipelineTrainingMaster calls no TrainingHook, since a worker has only a part of"
                        + " the graph; use a TrainingListener, which is called on the driver");
    }

    /** Does nothing: there are no hooks. */
    @Override
    public void removeHook(TrainingHook hook) {}

    /** Not supported. */
    @Override
    public String toJson() {
        throw notWritten();
    }

    /** Not supported. */
    @Override
    public String toYaml() {
        throw notWritten();
    }

    private static UnsupportedOperationException notWritten() {
        return new UnsupportedOperationException(
                "PipelineTrainingMaster cannot be written; build it anew with PipelineTrainingMaster.Builder");
    }

    /** Refuses true: there are no such statistics. */
    @Override
    public void setCollectTrainingStats(boolean collect) {
        if (collect) {
            throw new UnsupportedOperationException(
                    "PipelineTrainingMaster collects no SparkTrainingStats; use a TrainingListener"
                            + " such as PerformanceListener");
        }
    }

    @Override
    public boolean getIsCollectTrainingStats() {
        return false;
    }

    /** Null: there are none. */
    @Override
    public @Nullable SparkTrainingStats getTrainingStats() {
        return null;
    }

    /** There are none. */
    @Override
    public boolean deleteTempFiles(JavaSparkContext sc) {
        return true;
    }

    /** There are none. */
    @Override
    public boolean deleteTempFiles(SparkContext sc) {
        return true;
    }
}
