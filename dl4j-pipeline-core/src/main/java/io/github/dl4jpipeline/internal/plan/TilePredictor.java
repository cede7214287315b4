package io.github.dl4jpipeline.internal.plan;

import io.github.dl4jpipeline.device.Devices;
import io.github.dl4jpipeline.partition.PartitionPlan;
import io.github.dl4jpipeline.partition.PlanContext;
import io.github.dl4jpipeline.partition.Prediction;
import io.github.dl4jpipeline.partition.Stage;
import io.github.dl4jpipeline.plan.PlanOptions;
import io.github.dl4jpipeline.profile.GraphProfile;
import io.github.dl4jpipeline.profile.VertexCost;
import io.github.dl4jpipeline.tile.TileCost;
import io.github.dl4jpipeline.tile.TileGeometry;
import io.github.dl4jpipeline.tile.TileGrid;
import io.github.dl4jpipeline.tile.TileLoad;
import io.github.dl4jpipeline.tile.TilePart;
import io.github.dl4jpipeline.tile.TileRegion;
import io.github.dl4jpipeline.tile.TileTask;
import io.github.dl4jpipeline.tile.TileVertex;
import io.github.dl4jpipeline.tile.TileableMaps;
import io.github.dl4jpipeline.tile.Tiling;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.function.ToDoubleFunction;
import java.util.function.ToLongFunction;
import java.util.stream.Collectors;

/**
 * Predicts time and memory of a step in which the tiles of a region run on all devices and everything else on the
 * first. A vertex's time has a part that grows with its size and a constant part. In a tile, the first is scaled by
 * the share of the map that the tile computes; the second counts in full. Copies of parts of maps take as long as
 * sums of arrays.
 */
final class TilePredictor {
    private static final double BYTES_PER_MEGABYTE = 1e6;

    private final Map<String, VertexCost> costs = new LinkedHashMap<>();
    private final TileableMaps maps;
    private final Devices devices;
    private final PlanOptions options;
    private final int batch;
    private final int microBatches;
    private final double examples;
    private final double valueBytes;
    private final double bytesPerMilli;
    private final double sharedSpeed;
    private final double copyMillisPerByte;

    /** @param microBatches into how many a batch is split; they run one after the other */
    TilePredictor(GraphProfile profile, Devices devices, PlanOptions options, int microBatches) {
        this.maps = profile.tileable();
        this.devices = devices;
        this.options = options;
        this.batch = options.examples().orElse(profile.examples());
        this.microBatches = microBatches;
        this.examples = (double) batch / microBatches;
        this.bytesPerMilli = options.bytesPerSecond() / 1_000;
        this.sharedSpeed = profile.machine().sharedSpeed();
        this.copyMillisPerByte = profile.machine().addMillisPerMegabyte() / BYTES_PER_MEGABYTE;
        profile.costsFor(examples).forEach(cost -> costs.put(cost.vertex(), cost));
        this.valueBytes = valueBytes();
    }

    /** Bytes of one value of an activation. */
    private double valueBytes() {
        TileGeometry all = maps.geometry(new Tiling(
                new TileGrid(1, 1), maps.first(), maps.ends().get(maps.ends().size() - 1), Set.of()));
        return costs.get(maps.first()).activationBytes() / (examples * all.mapElements(1));
    }

    TilePlan predict(Tiling tiling) {
        TileGeometry geometry = maps.geometry(tiling);
        TileRegion region = geometry.region();
        TileCost cost = TileCost.of(geometry);
        Set<String> inside =
                region.vertices().stream().skip(1).map(TileVertex::name).collect(Collectors.toSet());
        int lanes = Math.min(devices.size(), region.grid().tiles());
        double speed = lanes == 1 ? 1 : sharedSpeed;
        double compute = 0;
        for (int group = 0; group < region.groups().size(); group++) {
            compute += groupMillis(geometry, group, lanes) / speed;
        }
        compute += sum(inside, false, VertexCost::millis) / devices.get(0).relativeSpeed();
        double exchange = exchangeMillis(geometry, cost, lanes, bytes(inside, true, VertexCost::gradientBytes));
        return new TilePlan(
                tiling,
                cost,
                microBatches * (compute + exchange),
                microBatches * exchange,
                deviceBytes(geometry, inside, lanes));
    }

    /** One stage with these tiles. The latest time grows as that of the graph without tiles does. */
    PartitionPlan partition(TilePlan tiles) {
        double usual = sum(Set.of(), false, VertexCost::millis);
        double slowest = sum(Set.of(), false, VertexCost::worstMillis);
        double forward = usual == 0 ? 0 : sum(Set.of(), false, VertexCost::forwardMillis) / usual;
        double task = tiles.stepMillis() / microBatches;
        Stage stage = Stage.of(devices.get(0), List.copyOf(costs.keySet()))
                .withMillis(task * forward, task * (1 - forward))
                .withMemoryBytes(tiles.deviceBytes());
        return new PartitionPlan(
                List.of(stage),
                microBatches,
                options.usualSchedule(),
                Optional.of(tiles.tiling()),
                new Prediction(
                        batch,
                        Predictor.duration(tiles.stepMillis()),
                        Predictor.duration(tiles.stepMillis() * (usual == 0 ? 1 : slowest / usual)),
                        Predictor.duration(microBatches * usual / devices.get(0).relativeSpeed()),
                        0),
                new PlanContext(List.of(), options.notes(), Optional.of(VertexCost.outline(costs.values()))));
    }

    private double sum(Set<String> vertices, boolean in, ToDoubleFunction<VertexCost> value) {
        return costs.values().stream()
                .filter(cost -> vertices.contains(cost.vertex()) == in)
                .mapToDouble(value)
                .sum();
    }

    private long bytes(Set<String> vertices, boolean in, ToLongFunction<VertexCost> value) {
        return costs.values().stream()
                .filter(cost -> vertices.contains(cost.vertex()) == in)
                .mapToLong(value)
                .sum();
    }

    /** Forward, tile {@code t} on device {@code t mod lanes}; backward in rounds of a tile for each device. */
    private double groupMillis(TileGeometry geometry, int group, int lanes) {
        int tiles = geometry.tiles(group);
        boolean again = tiles > lanes;
        double[] forward = new double[lanes];
        double backward = 0;
        for (int first = 0; first < tiles; first += lanes) {
            double round = 0;
            for (int lane = 0; lane < Math.min(lanes, tiles - first); lane++) {
                TileTask task = geometry.task(group, first + lane);
                double speed = devices.get(lane).relativeSpeed();
                double there = passMillis(task, true) / speed;
                forward[lane] += there;
                round = Math.max(round, passMillis(task, false) / speed + (again ? there : 0));
            }
            backward += round;
        }
        double longest = 0;
        for (double millis : forward) {
            longest = Math.max(longest, millis);
        }
        return longest + backward;
    }

    private double passMillis(TileTask task, boolean forward) {
        TileLoad load = TileLoad.of(task);
        double millis = copyMillisPerByte * bytes(load.copiedElements() + load.ownElements());
        for (TilePart part : task.parts()) {
            VertexCost cost = costs.get(
                    task.geometry().region().vertices().get(part.vertex()).name());
            double fixed = forward ? cost.fixedForwardMillis() : cost.fixedBackwardMillis();
            double all = forward ? cost.forwardMillis() : cost.backwardMillis();
            long whole = task.geometry().map(part.vertex()).elements();
            millis += fixed + (all - fixed) * part.area().elements() / whole;
        }
        return millis;
    }

    private double bytes(long elements) {
        return elements * examples * valueBytes;
    }

    /**
     * Each device receives the halos of its tiles, and sends their errors. The link of the first carries the region's input
     * and output and the output's error to and from the others, their gradients, and the new parameters.
     */
    private double exchangeMillis(TileGeometry geometry, TileCost cost, int lanes, long gradientBytes) {
        int last = geometry.region().vertices().size() - 1;
        double maps = bytes(geometry.mapElements(0) + 2 * geometry.mapElements(last)) * (lanes - 1) / lanes;
        double halos = lanes == 1 ? 0 : 2 * bytes(cost.haloElements()) / lanes;
        double gradients = 2.0 * gradientBytes * (lanes - 1);
        double summing = (double) gradientBytes * (lanes - 1) * copyMillisPerByte;
        return (maps + halos + gradients) / bytesPerMilli + summing;
    }

    /** Of the first device, which also has everything that is not in tiles. */
    private long deviceBytes(TileGeometry geometry, Set<String> inside, int lanes) {
        TileRegion region = geometry.region();
        double bytes =
                bytes(Set.of(), false, cost -> cost.parameterBytes() + cost.gradientBytes() + cost.updaterBytes())
                        + bytes(inside, false, VertexCost::activationBytes)
                        + bytes(inside, true, VertexCost::gradientBytes);
        for (int vertex = 1; vertex < region.vertices().size(); vertex++) {
            bytes += region.isMap(vertex) ? 2 * bytes(geometry.mapElements(vertex)) : 0; // and its error
        }
        double kept = 0;
        double passing = 0;
        double errors = 0;
        for (int group = 0; group < region.groups().size(); group++) {
            long largest = 0;
            for (int tile = 0; tile < geometry.tiles(group); tile++) {
                TileLoad load = TileLoad.of(geometry.task(group, tile));
                largest = Math.max(largest, load.outputElements() + load.copiedElements());
            }
            if (geometry.tiles(group) <= lanes) {
                kept += bytes(largest);
            } else {
                passing = Math.max(passing, bytes(largest));
            }
            errors = Math.max(errors, bytes(largest));
        }
        return Math.round(bytes + kept + passing + errors);
    }
}
