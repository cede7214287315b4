package io.github.dl4jpipeline.internal.tiling;

import io.github.dl4jpipeline.graph.VertexGraph;
import io.github.dl4jpipeline.internal.stage.BackwardResult;
import io.github.dl4jpipeline.internal.stage.MicroBatch;
import io.github.dl4jpipeline.internal.stage.RegionRunner;
import io.github.dl4jpipeline.tile.TileCost;
import io.github.dl4jpipeline.tile.TileGeometry;
import io.github.dl4jpipeline.tile.TileMeasurement;
import io.github.dl4jpipeline.tile.TileRegion;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import java.util.function.IntFunction;
import org.deeplearning4j.nn.api.Layer;
import org.deeplearning4j.nn.gradient.DefaultGradient;
import org.deeplearning4j.nn.gradient.Gradient;
import org.deeplearning4j.nn.graph.ComputationGraph;
import org.deeplearning4j.nn.graph.vertex.GraphVertex;
import org.deeplearning4j.nn.workspace.ArrayType;
import org.deeplearning4j.nn.workspace.LayerWorkspaceMgr;
import org.jspecify.annotations.Nullable;
import org.nd4j.linalg.api.buffer.DataType;
import org.nd4j.linalg.api.ndarray.INDArray;

/**
 * Runs all vertices of a region in tiles, at the place of its last vertex. Its input is what the region reads; its
 * output is that of the last vertex.
 *
 * <p>Method: Rama, Threadgill, Gerstlauer, arXiv:2409.09083. Tile {@code t} runs in lane {@code t mod lanes}. Input
 * errors of neighbouring tiles overlap and are added in the order of the tiles. Parameter gradients are added in each
 * lane in the order of its tiles, and then in the order of the lanes. So the result does not depend on timing.
 */
final class TiledRunner extends RegionRunner {
    /** Where the gradients of one tiled vertex go. */
    private record Target(INDArray gradients, boolean add) {}

    private final TiledRegion region;
    private final TileThreads crew;
    private final DataType type;
    private final boolean[] runsBackward;
    private final List<TileLane> lanes = new ArrayList<>();
    private final Map<Integer, Target> targets = new TreeMap<>();
    private final @Nullable INDArray[] maps;
    private @Nullable TileGeometry geometry;
    private long lastExamples;

    /**
     * @param original an initialised graph; its parameters are shared, nothing else
     * @param exit the region's last vertex
     * @param crew who runs tiles
     * @param lane makes the lane with a number
     */
    TiledRunner(
            ComputationGraph original,
            TiledRegion region,
            GraphVertex exit,
            TileThreads crew,
            IntFunction<TileLane> lane) {
        super(exit);
        this.region = region;
        this.crew = crew;
        this.type = original.getConfiguration().getDataType();
        this.runsBackward = region.runsBackward(VertexGraph.of(original));
        this.maps = new INDArray[region.positions().size()];
        int count = Math.min(crew.size(), region.tiles().grid().tiles());
        for (int i = 0; i < count; i++) {
            lanes.add(lane.apply(i));
        }
    }

    @Override
    public int source() {
        return region.source();
    }

    @Override
    public int exit() {
        return region.exit();
    }

    @Override
    public List<Integer> members() {
        return region.tiled();
    }

    @Override
    public void begin(MicroBatch microBatch, boolean partOfBatch, int iteration, int epoch) {
        lanes.forEach(lane -> lane.begin(microBatch, partOfBatch, iteration, epoch));
    }

    @Override
    public INDArray forward(INDArray[] inputs, LayerWorkspaceMgr workspaces) {
        return forward(inputs[0], true, workspaces);
    }

    @Override
    public INDArray infer(INDArray[] inputs, LayerWorkspaceMgr workspaces) {
        return forward(inputs[0], false, workspaces);
    }

    private INDArray forward(INDArray source, boolean training, LayerWorkspaceMgr workspaces) {
        TileGeometry tiles = geometryFor(source);
        maps[0] = source;
        lastExamples = source.size(0);
        for (int group = 0; group < region.tiles().groups().size(); group++) {
            createMaps(group, tiles, source.size(0), workspaces);
            int current = group;
            int count = tiles.tiles(group);
            boolean keep = training && runsBackward(group) && keeps(count);
            crew.run(Math.min(count, lanes.size()), lane -> {
                for (int tile = lane; tile < count; tile += lanes.size()) {
                    lanes.get(lane).forward(tiles.task(current, tile), maps, training, keep);
                }
            });
        }
        return maps[maps.length - 1];
    }

    private boolean runsBackward(int group) {
        return region.tiles().groups().get(group).stream().anyMatch(vertex -> runsBackward[vertex]);
    }

    /** A lane keeps its activations for the backward pass if it has a single tile. */
    private boolean keeps(int tiles) {
        return tiles <= lanes.size();
    }

    private TileGeometry geometryFor(INDArray source) {
        int height = (int) source.size(2);
        int width = (int) source.size(3);
        TileGeometry known = geometry;
        if (known == null || known.height(0) != height || known.width(0) != width) {
            known = new TileGeometry(region.tiles(), height, width);
            geometry = known;
        }
        return known;
    }

    private void createMaps(int group, TileGeometry tiles, long examples, LayerWorkspaceMgr workspaces) {
        TileRegion region = this.region.tiles();
        for (int vertex : region.groups().get(group)) {
            if (region.isMap(vertex)) {
                long channels = region.vertices().get(vertex).channels();
                long[] shape = {examples, channels, tiles.height(vertex), tiles.width(vertex)};
                maps[vertex] = workspaces.createUninitialized(ArrayType.ACTIVATIONS, type, shape, 'c');
            }
        }
    }

    @Override
    public @Nullable INDArray[] backward(@Nullable INDArray error, LayerWorkspaceMgr workspaces) {
        TileGeometry tiles = geometry;
        INDArray source = maps[0];
        if (tiles == null || source == null) {
            throw new IllegalStateException("Backward pass of tiles without a forward pass before it");
        }
        INDArray[] errorMaps = new INDArray[maps.length];
        for (int vertex = 0; vertex < maps.length - 1; vertex++) {
            if (maps[vertex] != null && runsBackward[vertex]) {
                errorMaps[vertex] = workspaces.create(ArrayType.ACTIVATION_GRAD, type, maps[vertex].shape(), 'c');
            }
        }
        errorMaps[maps.length - 1] = error;
        lanes.forEach(TileLane::beginBackward);
        for (int group = region.tiles().groups().size() - 1; group >= 0; group--) {
            if (runsBackward(group)) {
                backward(group, tiles, errorMaps);
            }
        }
        targets.forEach(this::writeGradient);
        return new INDArray[] {errorMaps[0]};
    }

    private void backward(int group, TileGeometry tiles, @Nullable INDArray[] errorMaps) {
        int count = tiles.tiles(group);
        boolean keep = keeps(count);
        for (int first = 0; first < count; first += lanes.size()) {
            int begin = first;
            int running = Math.min(lanes.size(), count - first);
            crew.run(running, lane -> lanes.get(lane).backward(tiles.task(group, begin + lane), maps, errorMaps, keep));
            crew.run(running, share -> addInputErrors(errorMaps, running, share));
            for (int lane = 0; lane < running; lane++) {
                lanes.get(lane).end(tiles.task(group, begin + lane), keep);
            }
        }
    }

    /** Adds the input errors of a round of tiles, in their order, to a share of the rows of each map. */
    private void addInputErrors(@Nullable INDArray[] errorMaps, int running, int share) {
        for (int lane = 0; lane < running; lane++) {
            lanes.get(lane).errors().addTo(errorMaps, share, running);
        }
    }

    private void writeGradient(int vertex, Target target) {
        boolean add = target.add();
        for (TileLane lane : lanes) {
            INDArray sum = lane.gradients().sum(vertex);
            if (sum != null && add) {
                target.gradients().addi(sum);
            } else if (sum != null) {
                target.gradients().assign(sum);
                add = true;
            }
        }
    }

    @Override
    public void bindGradients(int position, INDArray gradients, boolean add) {
        targets.put(region.positions().indexOf(position), new Target(gradients, add));
    }

    @Override
    public void addResults(int position, boolean partOfBatch, BackwardResult results) {
        results.gradients().putAll(gradients());
        lanes.get(0).moments().forEach((vertex, moments) -> results.moments()
                .put(region.positions().get(vertex), moments));
    }

    /** Of the tiled vertices, by position: views of the arrays bound. */
    private Map<Integer, Gradient> gradients() {
        Map<Integer, Gradient> gradients = new TreeMap<>();
        targets.forEach((vertex, target) -> {
            Gradient ofTile = lanes.get(0).gradients().names(vertex);
            Layer layer = lanes.get(0).layer(vertex);
            if (ofTile != null && layer != null) {
                Map<String, INDArray> views = layer.conf()
                        .getLayer()
                        .initializer()
                        .getGradientsFromFlattened(layer.conf(), target.gradients());
                Gradient gradient = new DefaultGradient();
                ofTile.gradientForVariable()
                        .keySet()
                        .forEach(parameter -> gradient.setGradientFor(
                                parameter, views.get(parameter), ofTile.flatteningOrderForVariable(parameter)));
                gradients.put(region.positions().get(vertex), gradient);
            }
        });
        return gradients;
    }

    /** The layer of a tiled vertex; of one that sees its whole input, the one that runs. */
    @Override
    public @Nullable Layer layer(int position) {
        return lanes.get(0).layer(region.positions().indexOf(position));
    }

    @Override
    public void clear() {
        Arrays.fill(maps, null);
        targets.clear();
    }

    @Override
    public void reset() {
        clear();
        lanes.forEach(TileLane::reset);
    }

    @Override
    public long bytes() {
        return lanes.stream().mapToLong(TileLane::reservedBytes).sum();
    }

    @Override
    public @Nullable TileMeasurement measurement() {
        TileGeometry tiles = geometry;
        if (tiles == null) {
            return null;
        }
        long[] bytes = new long[region.tiles().grid().tiles()];
        List<List<TileMeasurement.TileTime>> times = new ArrayList<>();
        for (int group = 0; group < region.tiles().groups().size(); group++) {
            List<TileMeasurement.TileTime> ofGroup = new ArrayList<>();
            for (int tile = 0; tile < tiles.tiles(group); tile++) {
                TileMeter meter = lanes.get(tile % lanes.size()).meter();
                bytes[tile] += meter.bytes(group, tile);
                ofGroup.add(meter.time(group, tile));
            }
            times.add(ofGroup);
        }
        long largest = Arrays.stream(bytes).max().orElse(0);
        return new TileMeasurement(TileCost.of(tiles), largest, lastExamples, type.width(), times);
    }
}
