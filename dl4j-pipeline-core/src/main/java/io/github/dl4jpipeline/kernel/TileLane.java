package io.github.dl4jpipeline.kernel;

import io.github.dl4jpipeline.graph.VertexGraph;
import io.github.dl4jpipeline.tile.Area;
import io.github.dl4jpipeline.tile.Patch;
import io.github.dl4jpipeline.tile.TilePart;
import io.github.dl4jpipeline.tile.TileTask;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import java.util.concurrent.CancellationException;
import java.util.stream.IntStream;
import org.deeplearning4j.nn.api.Layer;
import org.deeplearning4j.nn.conf.graph.LayerVertex;
import org.deeplearning4j.nn.gradient.Gradient;
import org.deeplearning4j.nn.graph.ComputationGraph;
import org.deeplearning4j.nn.layers.normalization.BatchNormalization;
import org.deeplearning4j.nn.workspace.ArrayType;
import org.deeplearning4j.nn.workspace.LayerWorkspaceMgr;
import org.jspecify.annotations.Nullable;
import org.nd4j.linalg.api.memory.MemoryWorkspace;
import org.nd4j.linalg.api.ndarray.INDArray;
import org.nd4j.linalg.factory.Nd4j;

/**
 * Runs one tile after the other, in whatever thread calls: layers of its own, which take their padding as part of their
 * input, their memory, and the sums of their parameter gradients.
 *
 * <p>A tile's activations end with its forward pass and are computed again before its backward pass, unless the lane has
 * a single tile in the group: then it keeps them.
 */
final class TileLane {
    /** The error of one tile for a part of a map. */
    private record InputError(int vertex, Area area, INDArray error) {}

    private final TiledRegion region;
    private final ComputationGraph graph;
    private final NoiseSource noise;
    private final VertexKernel[] kernels;
    private final double[] paddings;
    private final boolean workspaces;
    private final StageScratch scratch;
    private final ActivationMemory passing;
    private final ActivationMemory[] kept;

    /** By vertex of the region, those of the tile that is running, or of the tile kept in its group. */
    private final @Nullable INDArray[] activations;

    private final Area[] areas;
    private final @Nullable INDArray[] errors;
    private final List<InputError> inputErrors = new ArrayList<>();

    /** By vertex of the region: gradients of all tiles since {@link #beginBackward}, and those of the last. */
    private final @Nullable INDArray[] sums;

    private final @Nullable INDArray[] next;
    private final @Nullable Gradient[] gradients;
    private final Map<Integer, Moments> moments = new TreeMap<>();
    private final long[][] bytes;
    private boolean partOfBatch;

    /**
     * @param original an initialised graph; its parameters are shared, nothing else
     * @param name a prefix of workspace names that no other lane of the process has
     */
    TileLane(ComputationGraph original, TiledRegion region, KernelChoice code, boolean enabled, String name) {
        this.region = region;
        this.workspaces = enabled;
        VertexGraph vertices = VertexGraph.of(original);
        List<String> names = region.positions().stream()
                .map(position -> vertices.get(position).name())
                .toList();
        graph = GraphCopies.sharingParameters(
                original, configuration -> names.subList(1, names.size()).forEach(vertex -> {
                    if (configuration.getVertices().get(vertex) instanceof LayerVertex with) {
                        TileReader.removePadding(with.getLayerConf().getLayer());
                    }
                }));
        FastLayers.replaceIn(graph, code);
        noise = new NoiseSource(graph.conf().getSeed());
        int size = names.size();
        kernels = new VertexKernel[size];
        paddings = new double[size];
        for (int i = 1; i < size; i++) {
            kernels[i] = new VertexKernel(graph.getVertex(names.get(i)));
            paddings[i] = TileReader.paddingOf(
                    original.getConfiguration().getVertices().get(names.get(i)));
            if (layer(i) != null) {
                Noise.replaceIn(layer(i).conf().getLayer(), names.get(i), noise);
                layer(i).allowInputModification(false);
            }
        }
        scratch = new StageScratch(name, enabled);
        passing = new ActivationMemory(name + "-tile", enabled);
        kept = IntStream.range(0, region.tiles().groups().size())
                .mapToObj(group -> new ActivationMemory(name + "-group" + group, enabled))
                .toArray(ActivationMemory[]::new);
        bytes = IntStream.range(0, kept.length)
                .mapToObj(group -> new long[region.tiles().gridOf(group).tiles()])
                .toArray(long[][]::new);
        activations = new INDArray[size];
        areas = new Area[size];
        errors = new INDArray[size];
        sums = new INDArray[size];
        next = new INDArray[size];
        gradients = new Gradient[size];
    }

    /** Takes up a new micro-batch. */
    void begin(MicroBatch microBatch, boolean isPart, int iteration, int epoch) {
        partOfBatch = isPart;
        noise.begin(iteration, microBatch);
        for (Layer layer : graph.getLayers()) {
            layer.setIterationCount(iteration);
            layer.setEpochCount(epoch);
        }
    }

    @Nullable Layer layer(int vertex) {
        return kernels[vertex].vertex().getLayer();
    }

    /**
     * Runs a tile forward, and writes its own parts of the group's output maps.
     *
     * @param maps by vertex of the region, whole maps; those that the group reads and writes are set
     * @param keep whether the backward pass follows without another tile of the group before it
     */
    void forward(TileTask task, @Nullable INDArray[] maps, boolean training, boolean keep) {
        MemoryWorkspace before = Nd4j.getMemoryManager().getCurrentWorkspace();
        ActivationMemory memory = memory(task, keep);
        scratch.enter();
        memory.open();
        try {
            runForward(task, maps, training, memory);
            bytes[task.group()][task.tile()] = memory.used();
            for (TilePart part : task.parts()) {
                if (!part.own().isEmpty()) {
                    INDArray map = maps[part.vertex()];
                    MapArea.view(map, MapArea.whole(map), part.own())
                            .assign(MapArea.view(activations[part.vertex()], part.area(), part.own()));
                }
            }
        } finally {
            if (!keep) {
                clear(task);
                memory.close();
            }
            Nd4j.getMemoryManager().setCurrentWorkspace(before);
        }
    }

    private ActivationMemory memory(TileTask task, boolean keep) {
        return keep ? kept[task.group()] : passing;
    }

    private void runForward(TileTask task, @Nullable INDArray[] maps, boolean training, ActivationMemory memory) {
        LayerWorkspaceMgr manager = workspaces ? TaskWorkspaces.forward(memory, scratch) : TaskWorkspaces.none();
        for (TilePart part : task.parts()) {
            int vertex = part.vertex();
            INDArray[] inputs = new INDArray[part.inputs().size()];
            for (int i = 0; i < inputs.length; i++) {
                Patch patch = part.inputs().get(i);
                boolean within = task.runs(patch.vertex());
                INDArray from = within ? activations[patch.vertex()] : maps[patch.vertex()];
                Area area = within ? areas[patch.vertex()] : MapArea.whole(from);
                inputs[i] = patch(from, area, patch, paddings[vertex], manager);
            }
            prepareNoise(task, part);
            try (MemoryWorkspace ignored = manager.notifyScopeEntered(ArrayType.FF_WORKING_MEM)) {
                activations[vertex] =
                        training ? kernels[vertex].forward(inputs, manager) : kernels[vertex].infer(inputs, manager);
            } catch (RuntimeException e) {
                throw failure(task, vertex, e);
            }
            areas[vertex] = part.area();
        }
    }

    private RuntimeException failure(TileTask task, int vertex, RuntimeException cause) {
        return cause instanceof CancellationException
                ? cause
                : new IllegalStateException(
                        "Vertex '" + region.tiles().vertices().get(vertex).name() + "', " + task + ": "
                                + cause.getMessage(),
                        cause);
    }

    private void prepareNoise(TileTask task, TilePart part) {
        Patch patch = part.inputs().get(0);
        noise.place(new TilePlace(patch, task.geometry().map(patch.vertex())));
        noise.seedForMicroBatch(kernels[part.vertex()].vertex().getVertexName());
    }

    /** What a vertex reads: the array itself where it is just that, otherwise a copy with padding. */
    private static INDArray patch(INDArray from, Area area, Patch patch, double padding, LayerWorkspaceMgr manager) {
        if (!patch.isCopied(area)) {
            return from;
        }
        INDArray array = manager.createUninitialized(
                ArrayType.INPUT,
                from.dataType(),
                new long[] {
                    from.size(0),
                    from.size(1),
                    patch.top() + patch.area().rows().size() + patch.bottom(),
                    patch.left() + patch.area().columns().size() + patch.right()
                },
                'c');
        if (patch.isPadded()) {
            array.assign(padding);
        }
        MapArea.inside(array, patch).assign(MapArea.view(from, area, patch.area()));
        return array;
    }

    /** Forgets the gradients. */
    void beginBackward() {
        Arrays.fill(gradients, null);
        moments.clear();
    }

    /**
     * Runs a tile backward. {@link #addInputErrors} must follow.
     *
     * @param maps as for the forward pass
     * @param errorMaps by vertex of the region, gradients of the loss by the group's output maps
     * @param keep whether the forward pass has been kept; otherwise it is done again
     */
    void backward(TileTask task, @Nullable INDArray[] maps, @Nullable INDArray[] errorMaps, boolean keep) {
        MemoryWorkspace before = Nd4j.getMemoryManager().getCurrentWorkspace();
        ActivationMemory memory = memory(task, keep);
        scratch.enter();
        try {
            if (keep) {
                memory.enter();
            } else {
                memory.open();
                runForward(task, maps, true, memory);
            }
            scratch.errors.open();
            LayerWorkspaceMgr manager = workspaces ? TaskWorkspaces.backward(memory, scratch) : TaskWorkspaces.none();
            List<TilePart> parts = task.parts();
            for (int i = parts.size() - 1; i >= 0; i--) {
                backward(task, parts.get(i), errorMaps, manager);
            }
        } finally {
            Nd4j.getMemoryManager().setCurrentWorkspace(before);
        }
    }

    private void backward(TileTask task, TilePart part, @Nullable INDArray[] errorMaps, LayerWorkspaceMgr manager) {
        int vertex = part.vertex();
        VertexKernel kernel = kernels[vertex];
        if (!part.own().isEmpty()) {
            INDArray map = errorMaps[vertex];
            addError(vertex, MapArea.view(map, MapArea.whole(map), part.own()), part.own(), false, manager);
        }
        INDArray error = errors[vertex];
        errors[vertex] = null;
        bindGradients(vertex);
        prepareNoise(task, part);
        @Nullable INDArray[] ofInputs;
        try (MemoryWorkspace ignored = manager.notifyScopeEntered(ArrayType.BP_WORKING_MEM)) {
            ofInputs = kernel.backward(error, manager);
        } catch (RuntimeException e) {
            throw failure(task, vertex, e);
        }
        addGradients(vertex);
        if (partOfBatch && layer(vertex) instanceof BatchNormalization layer) {
            moments.put(vertex, Moments.ofInput(layer));
        }
        for (int i = 0; i < ofInputs.length; i++) {
            Patch patch = part.inputs().get(i);
            if (ofInputs[i] == null) {
                continue;
            }
            INDArray inside = MapArea.inside(ofInputs[i], patch);
            if (task.runs(patch.vertex())) {
                addError(patch.vertex(), inside, patch.area(), !patch.isPadded(), manager);
            } else if (errorMaps[patch.vertex()] != null) {
                inputErrors.add(new InputError(patch.vertex(), patch.area(), inside));
            }
        }
    }

    /** @param mayKeep whether the array may become the error itself, which is overwritten */
    private void addError(int vertex, INDArray error, Area area, boolean mayKeep, LayerWorkspaceMgr manager) {
        INDArray sum = errors[vertex];
        if (sum == null && area.equals(areas[vertex])) {
            errors[vertex] = mayKeep ? error : manager.dup(ArrayType.ACTIVATION_GRAD, error, 'c');
            return;
        }
        if (sum == null) {
            INDArray output = activations[vertex];
            sum = manager.create(ArrayType.ACTIVATION_GRAD, output.dataType(), output.shape(), 'c');
            errors[vertex] = sum;
        }
        MapArea.view(sum, areas[vertex], area).addi(error);
    }

    /** The first tile's gradients become the sum; the others' are added. */
    private void bindGradients(int vertex) {
        long parameters = kernels[vertex].vertex().numParams();
        if (parameters > 0) {
            INDArray[] target = gradients[vertex] == null ? sums : next;
            if (target[vertex] == null) {
                target[vertex] = Nd4j.createUninitializedDetached(graph.params().dataType(), parameters);
            }
            kernels[vertex].bindGradients(target[vertex], false);
        }
    }

    private void addGradients(int vertex) {
        if (kernels[vertex].vertex().numParams() == 0) {
            return;
        }
        if (gradients[vertex] != null) {
            sums[vertex].addi(next[vertex]);
        }
        gradients[vertex] = kernels[vertex].gradient();
    }

    /**
     * Adds the input errors of the last tile to the maps that they belong to, and ends the tile.
     *
     * @param errorMaps gradients of the loss by the maps that the group reads
     */
    void addInputErrors(TileTask task, @Nullable INDArray[] errorMaps, boolean keep) {
        for (InputError input : inputErrors) {
            INDArray map = errorMaps[input.vertex()];
            MapArea.view(map, MapArea.whole(map), input.area()).addi(input.error());
        }
        inputErrors.clear();
        clear(task);
        scratch.errors.close();
        memory(task, keep).close();
    }

    /** The gradient of a vertex with parameters, over all tiles of this lane; null if it has had none. */
    @Nullable INDArray gradientSum(int vertex) {
        return gradients[vertex] == null ? null : sums[vertex];
    }

    /** Names and orders of the parameters of a vertex that has gradients. */
    @Nullable Gradient gradient(int vertex) {
        return gradients[vertex];
    }

    /** By vertex of the region, the input moments of the batch normalizations that this lane has run. */
    Map<Integer, Moments> moments() {
        return moments;
    }

    private void clear(TileTask task) {
        for (TilePart part : task.parts()) {
            activations[part.vertex()] = null;
            errors[part.vertex()] = null;
            kernels[part.vertex()].clear();
        }
    }

    /** Forgets every array and frees the memory; the lane stays usable. */
    void reset() {
        inputErrors.clear();
        for (int i = 1; i < kernels.length; i++) {
            activations[i] = null;
            errors[i] = null;
            kernels[i].clear();
        }
        scratch.destroy();
        passing.destroy();
        for (ActivationMemory memory : kept) {
            memory.destroy();
        }
    }

    /** Bytes of the activations of a tile when it ran forward last; 0 if another lane runs it. */
    long bytes(int group, int tile) {
        return bytes[group][tile];
    }

    /** Bytes reserved. */
    long reservedBytes() {
        return scratch.bytes()
                + passing.bytes()
                + Arrays.stream(kept).mapToLong(ActivationMemory::bytes).sum();
    }
}
