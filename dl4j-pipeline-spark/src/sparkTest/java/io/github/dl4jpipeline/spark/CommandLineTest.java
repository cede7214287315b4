package io.github.dl4jpipeline.spark;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.File;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import org.deeplearning4j.nn.conf.NeuralNetConfiguration;
import org.deeplearning4j.nn.conf.inputs.InputType;
import org.deeplearning4j.nn.conf.layers.ConvolutionLayer;
import org.deeplearning4j.nn.conf.layers.OutputLayer;
import org.deeplearning4j.nn.graph.ComputationGraph;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.nd4j.linalg.activations.Activation;

/** {@code train --spark} as a program of its own, on a real cluster. */
class CommandLineTest {
    @TempDir
    Path directory;

    private File model() throws IOException {
        ComputationGraph graph = new ComputationGraph(new NeuralNetConfiguration.Builder()
                .graphBuilder()
                .addInputs("in")
                .setInputTypes(InputType.convolutional(32, 32, 3))
                .addLayer(
                        "conv",
                        new ConvolutionLayer.Builder(8, 8).stride(8, 8).nOut(4).build(),
                        "in")
                .addLayer(
                        "out",
                        new OutputLayer.Builder()
                                .nOut(10)
                                .activation(Activation.SOFTMAX)
                                .build(),
                        "conv")
                .setOutputs("out")
                .build());
        graph.init();
        File file = directory.resolve("tiny.zip").toFile();
        graph.save(file);
        return file;
    }

    @Test
    void trainsOnACluster() throws IOException, InterruptedException {
        Path trained = directory.resolve("trained.zip");
        try (RealCluster cluster = new RealCluster(2, 1)) {
            List<String> command = new ArrayList<>(List.of(
                    Path.of(System.getProperty("java.home"), "bin", "java").toString(),
                    "-Xmx1g",
                    "-XX:TieredStopAtLevel=1",
                    RealCluster.OPENED));
            Arrays.stream(cluster.conf().getAll())
                    .filter(setting -> !setting._1().equals("spark.master"))
                    .forEach(setting -> command.add("-D" + setting._1() + "=" + setting._2()));
            command.addAll(List.of(
                    "-Dspark.jars=", // executors have the class path of the tests
                    "-cp",
                    RealCluster.classPath(),
                    "io.github.dl4jpipeline.cli.Main",
                    "train",
                    "--spark",
                    cluster.url(),
                    "--model",
                    model().toString(),
                    "--epochs",
                    "1",
                    "--batch",
                    "128",
                    "--stages",
                    "2",
                    "--out",
                    trained.toString()));
            ProcessBuilder builder = new ProcessBuilder(command).redirectErrorStream(true);
            builder.environment().put("SPARK_LOCAL_IP", "127.0.0.1");
            Process process = builder.start();
            String said = new String(process.getInputStream().readAllBytes(), StandardCharsets.UTF_8);
            assertThat(process.waitFor()).as(said).isZero();
            assertThat(said).contains("Trained 1 epochs on spark://").contains("stages 2, workers 2");
        }
        ComputationGraph result = ComputationGraph.load(trained.toFile(), true);
        assertThat(result.getEpochCount()).isOne();
        assertThat(result.getIterationCount()).isPositive();
    }
}
