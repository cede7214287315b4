package io.github.dl4jpipeline.internal.spark;

import io.github.dl4jpipeline.cli.io.InputException;
import io.github.dl4jpipeline.cli.train.ClusterTraining;
import io.github.dl4jpipeline.spark.SparkPipeline;
import io.github.dl4jpipeline.spark.SparkPipelineBuilder;
import java.io.File;
import java.util.List;
import java.util.function.IntFunction;
import java.util.stream.Stream;
import org.apache.spark.SparkConf;
import org.apache.spark.SparkContext;
import org.apache.spark.api.java.JavaSparkContext;
import org.bytedeco.javacpp.Pointer;
import org.deeplearning4j.nn.graph.ComputationGraph;
import org.nd4j.linalg.dataset.DataSet;

/** {@code train --spark} of the command line. Settings of Spark are system properties, as for any program that uses it. */
public final class CommandLineTraining implements ClusterTraining {
    @Override
    public String train(ComputationGraph graph, IntFunction<List<DataSet>> batches, Settings settings) {
        try (JavaSparkContext sc = new JavaSparkContext(conf(settings.master()))) {
            try {
                return train(sc, graph, batches, settings);
            } catch (IllegalStateException e) {
                throw sc.sc().isStopped() ? gone(settings.master(), sc.version(), e) : e;
            }
        }
    }

    private static InputException gone(String master, String version, IllegalStateException cause) {
        return new InputException(
                "--spark " + master
                        + ": no master answers there, or it has ended this program; check the address, and that"
                        + " Spark there has version " + version + " or a near one",
                cause);
    }

    private static String train(
            JavaSparkContext sc, ComputationGraph graph, IntFunction<List<DataSet>> batches, Settings settings) {
        SparkPipelineBuilder builder = SparkPipeline.on(sc, graph);
        settings.stages().ifPresent(builder::stages);
        settings.replicas().ifPresent(builder::replicas);
        settings.microBatches().ifPresent(builder::microBatches);
        SparkPipeline pipeline = builder.build();
        for (int epoch = 0; epoch < settings.epochs(); epoch++) {
            List<DataSet> ofEpoch = batches.apply(epoch);
            pipeline.fit(sc.parallelize(ofEpoch, Math.min(ofEpoch.size(), 2 * sc.defaultParallelism())), 1);
        }
        return pipeline.plan().orElseThrow().summary();
    }

    private static SparkConf conf(String master) {
        SparkConf conf = new SparkConf().setAppName("dl4j-pipeline").setMaster(master);
        conf.setIfMissing("spark.ui.enabled", "false");
        conf.setIfMissing(
                "spark.executor.extraJavaOptions",
                "--add-opens=java.base/sun.nio.ch=ALL-UNNAMED -Dorg.bytedeco.javacpp.maxphysicalbytes=0"
                        + " -Dorg.bytedeco.javacpp.maxbytes=" + Pointer.maxBytes());
        conf.setIfMissing("spark.jars", String.join(",", jars()));
        return conf;
    }

    /** The jars of this program, which executors load from the driver. Those beside Spark's they have already. */
    private static List<String> jars() {
        File ofSpark = directory(JavaSparkContext.jarOfClass(SparkContext.class)[0]);
        return Stream.of(System.getProperty("java.class.path").split(File.pathSeparator))
                .filter(entry -> entry.endsWith(".jar"))
                .filter(entry -> !directory(entry).equals(ofSpark))
                .distinct()
                .toList();
    }

    private static File directory(String jar) {
        return new File(jar).getAbsoluteFile().getParentFile();
    }
}
