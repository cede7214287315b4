package io.github.dl4jpipeline.examples;

import io.github.dl4jpipeline.PipelineComputationGraph;
import io.github.dl4jpipeline.device.Devices;
import io.github.dl4jpipeline.partition.PartitionPlan;
import io.github.dl4jpipeline.plan.PlanOptions;
import io.github.dl4jpipeline.plan.Planner;
import io.github.dl4jpipeline.profile.GraphProfile;
import io.github.dl4jpipeline.profile.GraphProfiler;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import org.deeplearning4j.nn.graph.ComputationGraph;
import org.nd4j.linalg.dataset.api.iterator.DataSetIterator;

/**
 * From a profile to a plan, and from there to a report: what was predicted, and what came of it. Arguments: batch
 * size, file for the profile.
 */
public final class ReadingAPlan {
    private ReadingAPlan() {}

    public static void main(String... args) throws IOException {
        int batch = args.length > 0 ? Integer.parseInt(args[0]) : 32;
        DataSetIterator training = Images.generated(10 * batch, 16, batch, 1);
        ComputationGraph graph = SmallNetwork.graph(16);
        Devices devices = Devices.cpu();

        // How long each vertex takes, and how much it holds. Measured once, kept in a file.
        GraphProfile profile = GraphProfiler.profile(graph, training.next());
        profile.vertices()
                .forEach(cost -> System.out.printf(
                        "%-8s forward %6.2f ms, backward %6.2f ms%n",
                        cost.vertex(), cost.forwardMillis(), cost.backwardMillis()));
        Path file = args.length > 1 ? Path.of(args[1]) : Files.createTempFile("profile", ".json");
        profile.save(file);
        System.out.println("Profile saved to " + file);

        // The stages, what a step is expected to take, and what the alternatives would take.
        PartitionPlan plan = Planner.plan(GraphProfile.load(file), devices, PlanOptions.defaults());
        System.out.print(plan.explain());
        // With two stages, whether that is faster or not.
        PartitionPlan pipeline =
                Planner.plan(profile, devices, PlanOptions.defaults().withStages(2));
        System.out.print(pipeline.explain());

        try (PipelineComputationGraph net = PipelineComputationGraph.builder(graph)
                .devices(devices)
                .profile(profile)
                .plan(pipeline)
                .build()) {
            net.fit(training, 2);
            System.out.print(net.report()); // what was measured beside what was predicted, and the last step drawn
        }
    }
}
