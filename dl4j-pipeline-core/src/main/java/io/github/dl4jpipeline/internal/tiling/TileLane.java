package io.github.dl4jpipeline.internal.tiling;

import io.github.dl4jpipeline.internal.layers.FastBatchNorm;
import io.github.dl4jpipeline.internal.layers.KernelChoice;
import io.github.dl4jpipeline.internal.layers.Moments;
import io.github.dl4jpipeline.internal.stage.ActivationMemory;
import io.github.dl4jpipeline.internal.stage.MapArea;
import io.github.dl4jpipeline.internal.stage.MicroBatch;
import io.github.dl4jpipeline.internal.stage.StageScratch;
import io.github.dl4jpipeline.internal.stage.TaskWorkspaces;
import io.github.dl4jpipeline.internal.stage.VertexRunner;
import io.github.dl4jpipeline.tile.Area;
import io.github.dl4jpipeline.tile.Patch;
import io.github.dl4jpipeline.tile.TilePart;
import io.github.dl4jpipeline.tile.TileTask;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import java.util.concurrent.CancellationException;
import java.util.stream.IntStream;
import org.deeplearning4j.nn.api.Layer;
import org.deeplearning4j.nn.graph.ComputationGraph;
import org.deeplearning4j.nn.layers.normalization.BatchNormalization;
import org.deeplearning4j.nn.workspace.ArrayType;
import org.deeplearning4j.nn.workspace.LayerWorkspaceMgr;
import org.jspecify.annotations.Nullable;
import org.nd4j.linalg.api.memory.MemoryWorkspace;
import org.nd4j.linalg.api.ndarray.INDArray;
import org.nd4j.linalg.factory.Nd4j;

/**
 * Runs one tile after the other, in whatever thread calls. It has layers of its own, which take their padding as part
 * of their input, with their memory and the sums of their parameter gradients.
 *
 * <p>A lane with a single tile in the group keeps its activations for the backward pass. With several tiles it drops
 * them after the forward pass and computes them again.
 */
final class TileLane {
    private final TiledRegion region;
    private final TileLayers layers;
    private final VertexRunner[] runners;
    private final boolean workspaces;
    private final StageScratch scratch;
    private final ActivationMemory passing;
    private final ActivationMemory[] kept;

    /** By vertex of the region, those of the tile that is running, or of the tile kept in its group. */
    private final @Nullable INDArray[] activations;

    private final Area[] areas;
    private final TileErrors errors;
    private final TileGradients gradients;
    private final Map<Integer, Moments> moments = new TreeMap<>();
    private final TileMeter meter;
    private boolean partOfBatch;

    /**
     * @param original an initialised graph; its parameters are shared, nothing else
     * @param name a prefix of workspace names that no other lane of the process has
     */
    TileLane(ComputationGraph original, TiledRegion region, KernelChoice code, boolean enabled, String name) {
        this.region = region;
        this.workspaces = enabled;
        layers = new TileLayers(original, region, code);
        runners = layers.runners();
        scratch = new StageScratch(name, enabled);
        passing = new ActivationMemory(name + "-tile", enabled);
        kept = IntStream.range(0, region.tiles().groups().size())
                .mapToObj(group -> new ActivationMemory(name + "-group" + group, enabled))
                .toArray(ActivationMemory[]::new);
        meter = new TileMeter(region.tiles());
        activations = new INDArray[runners.length];
        areas = new Area[runners.length];
        errors = new TileErrors(runners.length);
        gradients = new TileGradients(runners, layers.parameterType());
    }

    /** Takes up a new micro-batch. */
    void begin(MicroBatch microBatch, boolean isPart, int iteration, int epoch) {
        partOfBatch = isPart;
        layers.begin(microBatch, iteration, epoch);
    }

    @Nullable Layer layer(int vertex) {
        return layers.layer(vertex);
    }

    /**
     * Runs a tile forward, and writes its own parts of the group's output maps.
     *
     * @param maps by vertex of the region, whole maps; those that the group reads and writes are set
     * @param keep whether the backward pass follows without another tile of the group before it
     */
    void forward(TileTask task, @Nullable INDArray[] maps, boolean training, boolean keep) {
        long start = System.nanoTime();
        MemoryWorkspace before = Nd4j.getMemoryManager().getCurrentWorkspace();
        ActivationMemory memory = memory(task, keep);
        scratch.enter();
        memory.open();
        try {
            runForward(task, maps, training, memory);
            long used = memory.used();
            for (TilePart part : task.parts()) {
                if (!part.own().isEmpty()) {
                    INDArray map = maps[part.vertex()];
                    MapArea.view(map, MapArea.whole(map), part.own())
                            .assign(MapArea.view(activations[part.vertex()], part.area(), part.own()));
                }
            }
            meter.forward(task, used, System.nanoTime() - start);
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
                inputs[i] = patch(from, area, patch, layers.padding(vertex), manager);
            }
            layers.prepareNoise(task, part);
            try (MemoryWorkspace ignored = manager.notifyScopeEntered(ArrayType.FF_WORKING_MEM)) {
                activations[vertex] =
                        training ? runners[vertex].forward(inputs, manager) : runners[vertex].infer(inputs, manager);
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
        gradients.begin();
        moments.clear();
    }

    /**
     * Runs a tile backward. {@link #end} must follow, when its {@link #errors} have been used.
     *
     * @param maps as for the forward pass
     * @param errorMaps by vertex of the region, gradients of the loss by the group's output maps
     * @param keep whether the forward pass has been kept; otherwise it is done again
     */
    void backward(TileTask task, @Nullable INDArray[] maps, @Nullable INDArray[] errorMaps, boolean keep) {
        long start = System.nanoTime();
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
                if (layers.runsBackward(parts.get(i).vertex())) {
                    backward(task, parts.get(i), errorMaps, manager);
                }
            }
            meter.backward(task, System.nanoTime() - start);
        } finally {
            Nd4j.getMemoryManager().setCurrentWorkspace(before);
        }
    }

    private void backward(TileTask task, TilePart part, @Nullable INDArray[] errorMaps, LayerWorkspaceMgr manager) {
        int vertex = part.vertex();
        VertexRunner runner = runners[vertex];
        if (!part.own().isEmpty()) {
            INDArray map = errorMaps[vertex];
            addError(vertex, MapArea.view(map, MapArea.whole(map), part.own()), part.own(), false, manager);
        }
        INDArray error = errors.take(vertex);
        gradients.bind(vertex);
        layers.prepareNoise(task, part);
        @Nullable INDArray[] ofInputs;
        try (MemoryWorkspace ignored = manager.notifyScopeEntered(ArrayType.BP_WORKING_MEM)) {
            ofInputs = runner.backward(error, manager);
        } catch (RuntimeException e) {
            throw failure(task, vertex, e);
        }
        gradients.add(vertex);
        if (partOfBatch && layer(vertex) instanceof BatchNormalization layer) {
            moments.put(vertex, FastBatchNorm.momentsOfInput(layer));
        }
        for (int i = 0; i < ofInputs.length; i++) {
            Patch patch = part.inputs().get(i);
            if (ofInputs[i] == null || !layers.runsBackward(patch.vertex())) {
                continue;
            }
            INDArray inside = MapArea.inside(ofInputs[i], patch);
            if (task.runs(patch.vertex())) {
                addError(patch.vertex(), inside, patch.area(), !patch.isPadded(), manager);
            } else {
                errors.keep(patch.vertex(), patch.area(), inside);
            }
        }
    }

    private void addError(int vertex, INDArray error, Area area, boolean mayKeep, LayerWorkspaceMgr manager) {
        errors.add(
                vertex,
                new TileErrors.Part(activations[vertex], areas[vertex]),
                new TileErrors.Part(error, area),
                mayKeep,
                manager);
    }

    /** The errors of the tile that has run backward last. */
    TileErrors errors() {
        return errors;
    }

    /** Ends a tile after its backward pass. */
    void end(TileTask task, boolean keep) {
        clear(task);
        scratch.errors.close();
        memory(task, keep).close();
    }

    /** The parameter gradients of all tiles since {@link #beginBackward}. */
    TileGradients gradients() {
        return gradients;
    }

    /** By vertex of the region, the input moments of the batch normalizations that this lane has run. */
    Map<Integer, Moments> moments() {
        return moments;
    }

    private void clear(TileTask task) {
        for (TilePart part : task.parts()) {
            activations[part.vertex()] = null;
            runners[part.vertex()].clear();
        }
        errors.clear();
    }

    /** Forgets every array and frees the memory; the lane stays usable. */
    void reset() {
        errors.clear();
        for (int i = 1; i < runners.length; i++) {
            activations[i] = null;
            runners[i].clear();
        }
        scratch.destroy();
        passing.destroy();
        for (ActivationMemory memory : kept) {
            memory.destroy();
        }
    }

    /** What its tiles have taken. */
    TileMeter meter() {
        return meter;
    }

    /** Bytes reserved. */
    long reservedBytes() {
        return scratch.bytes()
                + passing.bytes()
                + gradients.bytes()
                + Arrays.stream(kept).mapToLong(ActivationMemory::bytes).sum();
    }
}
