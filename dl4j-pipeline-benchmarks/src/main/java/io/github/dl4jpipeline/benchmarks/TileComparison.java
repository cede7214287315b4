package io.github.dl4jpipeline.benchmarks;

import io.github.dl4jpipeline.PipelineBuilder;
import io.github.dl4jpipeline.PipelineComputationGraph;
import io.github.dl4jpipeline.cli.model.NamedModel;
import io.github.dl4jpipeline.cli.model.RandomBatch;
import io.github.dl4jpipeline.device.Devices;
import io.github.dl4jpipeline.graph.VertexGraph;
import io.github.dl4jpipeline.internal.plan.TilePlanner;
import io.github.dl4jpipeline.partition.PartitionPlan;
import io.github.dl4jpipeline.partition.Stage;
import io.github.dl4jpipeline.plan.FusedTiling;
import io.github.dl4jpipeline.plan.PlanOptions;
import io.github.dl4jpipeline.profile.GraphProfile;
import io.github.dl4jpipeline.profile.GraphProfiler;
import io.github.dl4jpipeline.report.PipelineReport;
import io.github.dl4jpipeline.report.StageReport;
import io.github.dl4jpipeline.tile.TileMeasurement;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.Optional;
import java.util.concurrent.Callable;
import java.util.function.ToDoubleFunction;
import org.deeplearning4j.nn.graph.ComputationGraph;
import org.nd4j.linalg.dataset.DataSet;
import picocli.CommandLine.Command;
import picocli.CommandLine.Option;

/** Time and memory of training without tiles on one core and with tiles; the systems' steps alternate. */
@Command(
        name = "tiles",
        description = "Time and memory of training in tiles, for several grids and groups.",
        mixinStandardHelpOptions = true,
        showDefaultValues = true)
final class TileComparison implements Callable<Integer> {
    @Option(names = "--model", description = "Name of an example model.")
    private String model = "yolo-416";

    @Option(names = "--batch", description = "Examples of a batch.")
    private int batch = 1;

    @Option(names = "--steps", description = "Measured steps of each system.")
    private int steps = 5;

    @Option(names = "--from", description = "First vertex in tiles.")
    private String from = "conv0";

    @Option(names = "--to", description = "Last vertex in tiles.")
    private String to = "conv15";

    @Option(
            names = "--system",
            split = ",",
            description = "DEVICES:ROWSxCOLUMNS or DEVICES:ROWSxCOLUMNS:CUT+CUT; several, with commas between them.")
    private List<String> systems = List.of("1:1x2", "2:1x2", "2:1x2:pool3+pool7+pool11");

    @Override
    public Integer call() {
        NamedModel network = NamedModel.of(model, 42);
        DataSet data = RandomBatch.of(network.shape(), batch, 42);
        List<Candidate> candidates = new ArrayList<>();
        GraphProfile profile = GraphProfiler.profile(network.graph(), data);
        candidates.add(untiled(network, profile));
        systems.forEach(system -> candidates.add(tiled(system, profile)));
        for (int step = -2; step < steps; step++) {
            for (Candidate candidate : candidates) {
                candidate.step(data, step >= 0);
            }
        }
        System.out.printf(
                "%-34s %10s %13s %8s %12s %12s %10s %10s %12s %12s %12s%n",
                "devices:grid:cuts",
                "median ms",
                "predicted ms",
                "speedup",
                "tile MB",
                "counted MB",
                "saving",
                "mult-adds",
                "reserved MB",
                "forward ms",
                "backward ms");
        double base = candidates.get(0).median();
        candidates.forEach(candidate -> candidate.print(base));
        candidates.forEach(Candidate::close);
        return 0;
    }

    private Candidate untiled(NamedModel network, GraphProfile profile) {
        ComputationGraph graph = network.graph();
        PartitionPlan plan = PartitionPlan.of(
                List.of(Stage.of(Devices.cpu().get(0), VertexGraph.of(graph).names())), 1);
        return new Candidate(
                "without tiles, one core",
                profile.totalMillis(),
                PipelineComputationGraph.builder(graph).plan(plan).build());
    }

    private Candidate tiled(String system, GraphProfile profile) {
        String[] parts = system.split(":", -1);
        String[] grid = parts[1].split("x", -1);
        FusedTiling tiling = FusedTiling.grid(Integer.parseInt(grid[0]), Integer.parseInt(grid[1]))
                .from(from)
                .to(to);
        if (parts.length > 2) {
            tiling = tiling.cutAfter(parts[2].split("\\+", -1));
        }
        int count = Integer.parseInt(parts[0]);
        Devices devices = count == 1 ? Devices.of(Devices.cpu().get(0)) : Devices.cpu(count);
        PipelineBuilder builder = PipelineComputationGraph.builder(
                        NamedModel.of(model, 42).graph())
                .devices(devices)
                .tiling(tiling);
        PlanOptions options = PlanOptions.defaults().withExamples(batch);
        double predicted =
                TilePlanner.predict(tiling.tiling(), profile, devices, options).stepMillis();
        return new Candidate(system, predicted, builder.build());
    }

    /** One system and its times. */
    private static final class Candidate {
        private final String name;
        private final double predictedMillis;
        private final PipelineComputationGraph net;
        private final List<Double> millis = new ArrayList<>();

        Candidate(String name, double predictedMillis, PipelineComputationGraph net) {
            this.name = name;
            this.predictedMillis = predictedMillis;
            this.net = net;
        }

        void step(DataSet data, boolean counts) {
            long start = System.nanoTime();
            net.fit(data);
            if (counts) {
                millis.add((System.nanoTime() - start) / 1e6);
            }
        }

        double median() {
            return PredictedRun.quantile(millis, 0.5);
        }

        void print(double base) {
            PipelineReport report = net.report();
            long reserved =
                    report.stages().stream().mapToLong(StageReport::memoryBytes).sum();
            Optional<TileMeasurement> tiles = report.tiles();
            System.out.printf(
                    Locale.ROOT,
                    "%-34s %10.0f %13.0f %8.2f %12.1f %12.1f %10.2f %10.3f %12.1f %12.0f %12.0f%n",
                    name,
                    median(),
                    predictedMillis,
                    base / median(),
                    tiles.map(measured -> measured.tileBytes() / 1e6).orElse(Double.NaN),
                    tiles.map(measured -> measured.countedBytes() / 1e6).orElse(Double.NaN),
                    tiles.map(measured -> (double) measured.wholeBytes() / measured.tileBytes())
                            .orElse(Double.NaN),
                    tiles.map(measured -> measured.cost().repeated()).orElse(Double.NaN),
                    reserved / 1e6,
                    sum(tiles, TileMeasurement.TileTime::forwardMillis),
                    sum(tiles, TileMeasurement.TileTime::backwardMillis));
        }

        private static double sum(Optional<TileMeasurement> tiles, ToDoubleFunction<TileMeasurement.TileTime> time) {
            return tiles.stream()
                    .flatMap(measured -> measured.times().stream())
                    .flatMap(List::stream)
                    .mapToDouble(time)
                    .sum();
        }

        void close() {
            net.close();
        }
    }
}
