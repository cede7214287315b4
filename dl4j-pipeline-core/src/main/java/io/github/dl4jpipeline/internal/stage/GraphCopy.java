package io.github.dl4jpipeline.internal.stage;

import io.github.dl4jpipeline.graph.Vertex;
import io.github.dl4jpipeline.graph.VertexGraph;
import io.github.dl4jpipeline.internal.engine.Engine;
import io.github.dl4jpipeline.internal.engine.EngineLayer;
import io.github.dl4jpipeline.internal.engine.EngineLayers;
import io.github.dl4jpipeline.internal.engine.GradientRows;
import io.github.dl4jpipeline.internal.engine.GradientTurn;
import io.github.dl4jpipeline.internal.engine.Value;
import io.github.dl4jpipeline.internal.graph.Segments;
import io.github.dl4jpipeline.internal.layers.FastLayers;
import io.github.dl4jpipeline.internal.layers.KernelChoice;
import io.github.dl4jpipeline.tile.TileMeasurement;
import java.util.List;
import org.deeplearning4j.nn.api.Layer;
import org.deeplearning4j.nn.api.layers.RecurrentLayer;
import org.deeplearning4j.nn.graph.ComputationGraph;
import org.deeplearning4j.nn.graph.vertex.GraphVertex;
import org.jspecify.annotations.Nullable;
import org.nd4j.linalg.api.buffer.DataType;
import org.nd4j.linalg.api.ndarray.INDArray;

/**
 * A copy of the graph for one micro-batch in flight: layer objects of its own, and the memory of its arrays.
 *
 * <p>Layers keep their input, their masks and their caches in fields, so two micro-batches need two sets of them.
 */
public final class GraphCopy {
    private final ComputationGraph graph;
    private final VertexGraph vertices;
    private final NoiseSource noise;
    private final MicroBatchMemory memory;
    private final VertexRunner[] runners;
    private final @Nullable RegionRunner region;
    private MicroBatch microBatch = MicroBatch.NONE;
    private boolean partOfBatch;

    /**
     * @param original an initialised graph
     * @param memory where parameters and arrays are
     * @param code with which code vertices are run
     * @param keepPreActivations whether Deeplearning4j's convolutions keep what their backward pass would compute again
     * @param engine what runs most vertices
     * @param region vertices that are run as one, such as in tiles; null for none
     */
    public GraphCopy(
            ComputationGraph original,
            MicroBatchMemory memory,
            KernelChoice code,
            boolean keepPreActivations,
            Engine engine,
            @Nullable Region region) {
        this.graph = memory.copyOf(original);
        this.memory = memory;
        FastLayers.replaceIn(graph, code);
        this.vertices = VertexGraph.of(graph);
        this.noise = new NoiseSource(graph.conf().getSeed());
        CopiedLayers.prepare(graph, vertices, memory.stages(), noise, keepPreActivations);
        EngineLayers layers = new EngineLayers(graph, code, engine);
        this.runners = vertices.vertices().stream()
                .map(vertex -> runnerFor(
                        vertex,
                        isIn(region, vertex) || vertex.role() == Vertex.Role.OUTPUT
                                ? null
                                : layers.of(
                                        graphVertex(vertex.position()), vertices.hasInputErrors(vertex.position()))))
                .toArray(VertexRunner[]::new);
        CopiedLayers.keepInputs(graph, vertices, position -> runners[position] instanceof EngineRunner);
        this.region = region == null
                ? null
                : region.runner(original, graphVertex(region.exit()), code, memory.usesWorkspaces(), memory.name());
        if (this.region != null) {
            runners[region.exit()] = this.region;
        }
    }

    private static boolean isIn(@Nullable Region region, Vertex vertex) {
        return region != null && region.positions().contains(vertex.position());
    }

    private boolean isInRegion(int position) {
        return region != null && region.members().contains(position);
    }

    /** Returns the vertices to run one by one. For a region that runs as one this is its last vertex. */
    List<Integer> run(List<Integer> positions) {
        return positions.stream()
                .filter(position -> !isInRegion(position) || runners[position] == region)
                .toList();
    }

    /**
     * Positions of the vertices that a vertex reads when it is run. For the last vertex of a region: what the region
     * reads.
     */
    List<Integer> inputs(int position) {
        return region != null && position == region.exit()
                ? List.of(region.source())
                : vertices.get(position).inputs();
    }

    private VertexRunner runnerFor(Vertex vertex, @Nullable EngineLayer code) {
        GraphVertex graphVertex = graphVertex(vertex.position());
        Segment segment = graphVertex.getLayer() instanceof RecurrentLayer layer && Segments.isIn(graph)
                ? new Segment(graphVertex, layer, () -> microBatch)
                : null;
        if (code != null) {
            return new EngineRunner(
                    graphVertex, code, wantedErrors(vertex), vertices.hasInputErrors(vertex.position()), segment);
        }
        boolean inputErrors = vertices.hasInputErrors(vertex.position());
        if (vertex.role() == Vertex.Role.OUTPUT) {
            return new OutputRunner(graphVertex, inputErrors);
        }
        return new VertexRunner(graphVertex, inputErrors, segment);
    }

    /** By input, whether its vertex runs backward. */
    private boolean[] wantedErrors(Vertex vertex) {
        boolean[] wanted = new boolean[vertex.inputs().size()];
        for (int i = 0; i < wanted.length; i++) {
            wanted[i] = vertices.get(vertex.inputs().get(i)).runsBackward();
        }
        return wanted;
    }

    /** Whether arrays live in workspaces; not so if the graph's configuration asks for none. */
    public boolean usesWorkspaces() {
        return memory.usesWorkspaces();
    }

    DataType parameterType() {
        return graph.params().dataType();
    }

    /** Whether the micro-batch is not the whole batch. */
    boolean isPartOfBatch() {
        return partOfBatch;
    }

    /**
     * Takes up a new micro-batch, before its first forward task.
     *
     * <p>For inference it may come without labels. Parts of a batch are copied into contiguous arrays. Some layers
     * read their input's buffer from its start, and the batch may lie in a workspace of its iterator.
     */
    public void begin(MicroBatch next, boolean partOfBatch, int iteration, int epoch) {
        this.partOfBatch = partOfBatch;
        memory.input().open();
        try {
            microBatch = memory.receive(next, partOfBatch);
            noise.begin(iteration, microBatch);
            for (Layer layer : graph.getLayers()) {
                layer.setIterationCount(iteration);
                layer.setEpochCount(epoch);
            }
            graph.setInputs(microBatch.features());
            if (microBatch.labels().length > 0) {
                graph.setLabels(microBatch.labels());
            }
            graph.setLayerMaskArrays(microBatch.featureMasks(), microBatch.labelMasks());
            if (region != null) {
                CopiedLayers.requireUnmasked(graph, vertices, region.members());
                region.begin(microBatch, partOfBatch, iteration, epoch);
            }
        } finally {
            memory.input().suspend();
        }
        memory.receiveActivations(microBatch);
    }

    /** Forgets the micro-batch, after its last task. */
    public void end() {
        graph.clearLayerMaskArrays();
        graph.clear();
        microBatch = MicroBatch.NONE;
        memory.end();
    }

    /**
     * Sets where the parameter gradients of a vertex go.
     *
     * @param gradients an array of the length of its parameters
     * @param add whether to add to it, if the vertex {@linkplain #addsGradients can}
     */
    public void bindGradients(int position, INDArray gradients, boolean add) {
        if (region != null && isInRegion(position)) {
            region.bindGradients(position, gradients, add);
        } else {
            runners[position].bindGradients(gradients, add);
        }
    }

    /** Sets in which turn the next parameter gradients of a vertex are computed that go to the array bound. */
    public void gather(int position, GradientRows rows, GradientTurn turn) {
        if (!isInRegion(position)) {
            runners[position].gather(rows, turn);
        }
    }

    /** Whether a vertex can add to the gradients that it finds; otherwise it overwrites them. */
    public boolean addsGradients(int position) {
        return isInRegion(position) || runners[position].addsGradients();
    }

    /** The present one. */
    MicroBatch microBatch() {
        return microBatch;
    }

    /** Where its arrays are. */
    MicroBatchMemory memory() {
        return memory;
    }

    /** Number of vertices. */
    int size() {
        return vertices.size();
    }

    Vertex vertex(int position) {
        return vertices.get(position);
    }

    VertexRunner runner(int position) {
        return runners[position];
    }

    /** The layer of a vertex; null if it has none. */
    public @Nullable Layer layer(int position) {
        return region != null && isInRegion(position)
                ? region.layer(position)
                : graphVertex(position).getLayer();
    }

    /** The features that a network input hands on. */
    @Nullable INDArray feature(int position) {
        return microBatch.features()[inputIndex(position)];
    }

    private int inputIndex(int position) {
        return graphVertex(position).getVertexIndex();
    }

    @Nullable INDArray label(int position) {
        return microBatch.labels()[outputIndex(position)];
    }

    @Nullable INDArray labelMask(int position) {
        @Nullable INDArray[] masks = microBatch.labelMasks();
        return masks == null ? null : masks[outputIndex(position)];
    }

    boolean isFirstOutput(int position) {
        return outputIndex(position) == 0;
    }

    private int outputIndex(int position) {
        return graph.getConfiguration()
                .getNetworkOutputs()
                .indexOf(vertices.get(position).name());
    }

    private GraphVertex graphVertex(int position) {
        return CopiedLayers.vertexAt(graph, position);
    }

    NoiseSource noise() {
        return noise;
    }

    /** What a vertex has put out, or null before; valid until its stage forgets the micro-batch. */
    public @Nullable Value activation(int position) {
        return memory.activation(position);
    }

    /** Keeps what other stages read of a stage's activations, in its memory, and forgets the others. */
    void keepSent(int stage, List<Integer> positions) {
        memory.keepSent(stage, positions);
        positions.forEach(position -> runners[position].forgetWeightNoise());
    }

    /** Forgets the arrays of a stage's vertices, after its last task for the micro-batch. */
    void clear(List<Integer> positions) {
        memory.forget(positions);
        positions.forEach(position -> runners[position].clear());
    }

    /** Forgets every array and frees the memory: after a failed step, or at the end. The copy stays usable. */
    public void reset() {
        List<Integer> all = vertices.vertices().stream().map(Vertex::position).toList();
        clear(all);
        all.forEach(position -> runners[position].reset());
        graph.clearLayerMaskArrays();
        graph.clear();
        microBatch = MicroBatch.NONE;
        memory.reset();
        if (region != null) {
            region.reset();
        }
    }

    /** What the tiles of its last micro-batch have taken; null before there was one, and without tiles. */
    public @Nullable TileMeasurement tileMeasurement() {
        return region == null ? null : region.measurement();
    }

    /** Bytes of activation memory reserved for a stage. */
    public long bytes(int stage) {
        boolean runsRegion = region != null && memory.stageOf(region.exit()) == stage;
        return memory.bytes(stage) + (runsRegion ? region.bytes() : 0);
    }
}
