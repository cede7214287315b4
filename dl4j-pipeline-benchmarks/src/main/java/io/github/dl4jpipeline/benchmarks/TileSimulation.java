package io.github.dl4jpipeline.benchmarks;

import io.github.dl4jpipeline.PipelineComputationGraph;
import io.github.dl4jpipeline.cli.model.NamedModel;
import io.github.dl4jpipeline.cli.model.RandomBatch;
import io.github.dl4jpipeline.device.Devices;
import io.github.dl4jpipeline.plan.FusedTiling;
import io.github.dl4jpipeline.tile.TileMeasurement;
import io.github.dl4jpipeline.tile.TileMeasurement.TileTime;
import java.util.List;
import java.util.Locale;
import java.util.concurrent.Callable;
import org.nd4j.linalg.dataset.DataSet;
import picocli.CommandLine.Command;
import picocli.CommandLine.Option;

/**
 * Simulates a cluster of devices with four cores, a tile on each core, from the times that each tile takes on one core here.
 * A group takes as long as its slowest tile; then each device receives the halos of its tiles over its link, and in the
 * backward pass sends their errors. After the last group, gradients go around a ring. All halos count as exchanged,
 * also those between tiles of one device; memory bandwidth that a device's cores share does not count.
 */
@Command(
        name = "tile-simulation",
        description = "Simulated speedup of tiles on several quad-core devices, with tile times measured on one core.",
        mixinStandardHelpOptions = true,
        showDefaultValues = true)
final class TileSimulation implements Callable<Integer> {
    private static final int CORES = 4;
    private static final int[][] GRIDS = {{2, 4}, {3, 4}, {4, 4}, {4, 5}, {4, 6}};

    @Option(names = "--model", description = "Name of an example model.")
    private String model = "yolo-608";

    @Option(names = "--steps", description = "Measured steps of each grid; the shortest times count.")
    private int steps = 3;

    @Option(names = "--from", description = "First vertex in tiles.")
    private String from = "conv0";

    @Option(names = "--to", description = "Last vertex in tiles.")
    private String to = "conv15";

    @Option(names = "--cut", split = ",", description = "Vertices after which tiles are put together.")
    private List<String> cuts = List.of("pool3", "pool7", "pool11");

    @Option(names = "--bits-per-second", description = "Of each device's link, in each direction.")
    private double bitsPerSecond = 100e6;

    @Option(names = "--batch", split = ",", description = "Examples of a batch.")
    private List<Integer> batches = List.of(1, 16);

    @Option(names = "--slower", split = ",", description = "How many times slower than here the simulated cores are.")
    private List<Double> slower = List.of(1.0, 25.0);

    @Override
    public Integer call() {
        NamedModel network = NamedModel.of(model, 42);
        DataSet example = RandomBatch.of(network.shape(), 1, 42);
        double gradientBytes = 4.0 * network.parameters();
        TileMeasurement whole = measure(
                example, FusedTiling.grid(1, 1), Devices.of(Devices.cpu().get(0)));
        double oneCore = whole.times().stream()
                .flatMap(List::stream)
                .mapToDouble(time -> time.forwardMillis() + time.backwardMillis())
                .sum();
        System.out.printf(Locale.ROOT, "One core, untiled: %.0f ms for an example%n", oneCore);
        System.out.printf(
                "%-10s %-6s %7s %8s %12s %13s %9s%n",
                "devices", "grid", "batch", "slower", "compute ms", "exchange ms", "speedup");
        for (int[] rowsColumns : GRIDS) {
            int devices = rowsColumns[0] * rowsColumns[1] / CORES;
            FusedTiling tiling =
                    FusedTiling.grid(rowsColumns[0], rowsColumns[1]).cutAfter(cuts.toArray(String[]::new));
            TileMeasurement tiles =
                    measure(example, tiling, Devices.of(Devices.cpu().get(0)));
            double slowest =
                    tiles.times().stream().mapToDouble(TileSimulation::slowest).sum();
            for (double factor : slower) {
                for (int batch : batches) {
                    double compute = slowest * batch * factor;
                    double bytes =
                            2.0 * tiles.haloBytes() * batch / devices + 2 * gradientBytes * (devices - 1) / devices;
                    double exchange = bytes * 8 / bitsPerSecond * 1e3;
                    System.out.printf(
                            Locale.ROOT,
                            "%-10d %-6s %7d %8.0f %12.0f %13.0f %9.2f%n",
                            devices,
                            tiling.grid(),
                            batch,
                            factor,
                            compute,
                            exchange,
                            oneCore * batch * factor / (compute + exchange));
                }
            }
        }
        return 0;
    }

    /** Forward and backward; a tile that ran with others on a device did its forward pass again before the backward pass. */
    private static double slowest(List<TileTime> group) {
        boolean again = group.size() > 1;
        return group.stream().mapToDouble(TileTime::forwardMillis).max().orElse(0)
                + group.stream()
                        .mapToDouble(time -> time.backwardMillis() - (again ? time.forwardMillis() : 0))
                        .max()
                        .orElse(0);
    }

    private TileMeasurement measure(DataSet example, FusedTiling tiling, Devices devices) {
        try (PipelineComputationGraph net = PipelineComputationGraph.builder(
                        NamedModel.of(model, 42).graph())
                .devices(devices)
                .tiling(tiling.from(from).to(to))
                .build()) {
            for (int step = -1; step < steps; step++) {
                net.fit(example);
            }
            return net.report().tiles().orElseThrow();
        }
    }
}
