package io.github.dl4jpipeline.examples;

import io.github.dl4jpipeline.PipelineComputationGraph;
import io.github.dl4jpipeline.partition.PartitionPlan;
import io.github.dl4jpipeline.profile.GraphProfile;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import org.deeplearning4j.nn.graph.ComputationGraph;
import org.nd4j.linalg.dataset.api.iterator.DataSetIterator;

/**
 * Saves a checkpoint, trains on, and then trains on from the checkpoint as another process would. Both end bit for bit alike.
 * Arguments: epochs, directory for the checkpoint.
 */
public final class ResumeTraining {
    private ResumeTraining() {}

    public static void main(String... args) throws IOException {
        int epochs = args.length > 0 ? Integer.parseInt(args[0]) : 3;
        DataSetIterator training = Images.generated(320, 16, 32, 1);
        Path directory = args.length > 1 ? Path.of(args[1]) : Files.createTempDirectory("checkpoint");

        ComputationGraph graph = SmallNetwork.graph(16);
        try (PipelineComputationGraph net =
                PipelineComputationGraph.builder(graph).build()) {
            net.fit(training);
            save(net, directory);
            net.fit(training, epochs - 1);
        }
        ComputationGraph resumed =
                ComputationGraph.load(directory.resolve("model.zip").toFile(), true);
        System.out.printf("Checkpoint after epoch %d: %s%n", resumed.getEpochCount(), directory);
        try (PipelineComputationGraph net = PipelineComputationGraph.builder(resumed)
                .plan(PartitionPlan.fromJson(Files.readString(directory.resolve("plan.json"))))
                .profile(GraphProfile.load(directory.resolve("profile.json")))
                .build()) {
            net.fit(training, epochs - 1);
        }
        System.out.printf("Without interruption: epoch %d, score %.6f%n", graph.getEpochCount(), graph.score());
        System.out.printf("Resumed:              epoch %d, score %.6f%n", resumed.getEpochCount(), resumed.score());
        boolean alike =
                Arrays.equals(graph.params().toFloatVector(), resumed.params().toFloatVector());
        System.out.println(alike ? "All parameters are the same, bit for bit." : "Parameters differ!");
    }

    /**
     * The model file is enough to go on training. With the plan and the profile, training goes on in the same way, so that
     * even the roundings are those of a run without interruption.
     */
    private static void save(PipelineComputationGraph net, Path directory) throws IOException {
        net.save(directory.resolve("model.zip").toFile()); // an ordinary model, with the updater's state
        Files.writeString(directory.resolve("plan.json"), net.keepPlan().toJson());
        net.profile().orElseThrow().save(directory.resolve("profile.json"));
    }
}
