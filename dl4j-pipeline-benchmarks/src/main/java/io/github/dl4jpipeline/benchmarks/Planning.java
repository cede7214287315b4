package io.github.dl4jpipeline.benchmarks;

import io.github.dl4jpipeline.device.Device;
import io.github.dl4jpipeline.device.Devices;
import io.github.dl4jpipeline.graph.Vertex;
import io.github.dl4jpipeline.graph.VertexGraph;
import io.github.dl4jpipeline.internal.partition.TextTable;
import io.github.dl4jpipeline.partition.PartitionPlan;
import io.github.dl4jpipeline.plan.PlanOptions;
import io.github.dl4jpipeline.plan.Planner;
import io.github.dl4jpipeline.profile.GraphProfile;
import io.github.dl4jpipeline.profile.MachineSpeed;
import io.github.dl4jpipeline.profile.PassTimes;
import io.github.dl4jpipeline.profile.VertexBytes;
import io.github.dl4jpipeline.profile.VertexCost;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Random;
import java.util.concurrent.Callable;
import java.util.stream.IntStream;
import org.deeplearning4j.nn.graph.ComputationGraph;
import org.deeplearning4j.zoo.model.InceptionResNetV1;
import picocli.CommandLine.Command;

/** How long planning takes for large graphs, whose vertices have random costs. */
@Command(
        name = "planning",
        description = "Time of planning for Inception- and NASNet-sized graphs, a long chain, and many devices.",
        mixinStandardHelpOptions = true)
final class Planning implements Callable<Integer> {
    private static final int EXAMPLES = 64;
    private static final int CHAIN = 10_000;
    private static final int CLASSES = 1_000;

    /** Of NASNet: cells, sums of two chains in a cell, and vertices of a chain. */
    private static final int CELLS = 18;

    private static final int SUMS_OF_CELL = 5;
    private static final int LAYERS_OF_CHAIN = 6;

    /** Blocks of ResNet-152, and vertices of a block: three convolutions, normalized, an addition, an activation. */
    private static final int BLOCKS = 50;

    private static final int LAYERS_OF_BLOCK = 9;

    private final Random random = new Random(1);
    private final TextTable table = new TextTable("graph", "vertices", "devices", "seconds", "bound", "plan", "note");

    @Override
    public Integer call() {
        for (int devices : new int[] {4, 8, 16}) {
            plan(
                    "InceptionResNetV1",
                    profile(InceptionResNetV1.builder()
                            .numClasses(CLASSES)
                            .build()
                            .init()),
                    devices);
            plan("NASNet-sized", nasNet(), devices);
            plan("ResNet-152-sized", resNet(), devices);
            plan("chain", chain(), devices);
        }
        System.out.print(table);
        return 0;
    }

    private void plan(String name, GraphProfile profile, int count) {
        Devices devices = new Devices(IntStream.range(0, count)
                .mapToObj(i -> new Device("d" + i, Device.Kind.CPU, List.of(i), Long.MAX_VALUE / 64, 1))
                .toList());
        long start = System.nanoTime();
        PartitionPlan plan =
                Planner.plan(profile, devices, PlanOptions.defaults().withExamples(EXAMPLES));
        double seconds = (System.nanoTime() - start) / 1e9;
        double whole = plan.stages().stream()
                .mapToDouble(stage -> stage.forwardMillis() + stage.backwardMillis())
                .sum();
        table.row(
                name,
                String.valueOf(profile.vertices().size()),
                String.valueOf(count),
                String.format(Locale.ROOT, "%.1f", seconds),
                String.format(Locale.ROOT, "%.2f", whole / plan.bottleneckMillis()),
                plan.summary(),
                String.join("; ", plan.notes()));
    }

    private GraphProfile profile(ComputationGraph graph) {
        VertexGraph vertices = VertexGraph.of(graph);
        List<VertexCost> costs = new ArrayList<>();
        for (Vertex vertex : vertices.vertices()) {
            costs.add(cost(
                    vertex.name(),
                    vertex.inputs().stream()
                            .map(input -> vertices.get(input).name())
                            .toList()));
        }
        return profile(costs);
    }

    private GraphProfile chain() {
        List<VertexCost> costs = new ArrayList<>(List.of(cost("in", List.of())));
        for (int i = 0; i < CHAIN; i++) {
            costs.add(cost("v" + i, List.of(costs.get(i).vertex())));
        }
        return profile(costs);
    }

    private GraphProfile resNet() {
        List<VertexCost> costs = new ArrayList<>(List.of(cost("in", List.of())));
        String last = "in";
        for (int block = 0; block < BLOCKS; block++) {
            String shortcut = last;
            for (int layer = 0; layer < LAYERS_OF_BLOCK; layer++) {
                String name = "b" + block + "-" + layer;
                costs.add(cost(name, List.of(last)));
                last = name;
            }
            costs.add(cost("b" + block + "-add", List.of(last, shortcut)));
            costs.add(cost("b" + block + "-relu", List.of("b" + block + "-add")));
            last = "b" + block + "-relu";
        }
        return profile(costs);
    }

    /** Cells that read the two cells before: five sums of two chains each, side by side. */
    private GraphProfile nasNet() {
        List<VertexCost> costs = new ArrayList<>(List.of(cost("in", List.of())));
        String before = "in";
        String last = "in";
        for (int cell = 0; cell < CELLS; cell++) {
            List<String> sums = new ArrayList<>();
            for (int sum = 0; sum < SUMS_OF_CELL; sum++) {
                List<String> ends = new ArrayList<>();
                for (String source : List.of(last, before)) {
                    String end = source;
                    for (int layer = 0; layer < LAYERS_OF_CHAIN; layer++) {
                        String name = "c" + cell + "-" + sum + "-" + ends.size() + "-" + layer;
                        costs.add(cost(name, List.of(end)));
                        end = name;
                    }
                    ends.add(end);
                }
                sums.add("c" + cell + "-" + sum);
                costs.add(cost(sums.get(sum), ends));
            }
            costs.add(cost("c" + cell, sums));
            before = last;
            last = "c" + cell;
        }
        return profile(costs);
    }

    private static GraphProfile profile(List<VertexCost> costs) {
        return new GraphProfile(EXAMPLES, "random", 1, MachineSpeed.UNKNOWN, Map.of(), costs);
    }

    private VertexCost cost(String name, List<String> inputs) {
        double forward = inputs.isEmpty() ? 0 : random.nextDouble();
        return new VertexCost(
                name,
                inputs,
                new PassTimes(forward, forward / 10, forward),
                new PassTimes(2 * forward, forward / 5, 2 * forward),
                new VertexBytes(1 + random.nextInt(1_000_000), 100_000, 100_000, 100_000));
    }
}
