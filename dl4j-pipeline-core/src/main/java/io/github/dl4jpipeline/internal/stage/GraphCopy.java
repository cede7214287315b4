package io.github.dl4jpipeline.internal.stage;

import io.github.dl4jpipeline.internal.graph.Vertex;
import io.github.dl4jpipeline.internal.graph.VertexGraph;
import io.github.dl4jpipeline.internal.layers.FastLayers;
import io.github.dl4jpipeline.internal.layers.KernelChoice;
import io.github.dl4jpipeline.tile.TileMeasurement;
import java.util.Arrays;
import java.util.List;
import org.deeplearning4j.nn.api.Layer;
import org.deeplearning4j.nn.conf.WorkspaceMode;
import org.deeplearning4j.nn.graph.ComputationGraph;
import org.deeplearning4j.nn.graph.vertex.GraphVertex;
import org.jspecify.annotations.Nullable;
import org.nd4j.linalg.api.buffer.DataType;
import org.nd4j.linalg.api.ndarray.INDArray;

/**
 * The state of one micro-batch in flight: layer objects of its own, whose parameters are the original graph's, the
 * arrays that cross between stages, and the activation memory of each stage.
 *
 * <p>Layers keep their input, their masks and their caches in fields, so two micro-batches need two sets of them.
 */
public final class GraphCopy {
    private final ComputationGraph graph;
    private final VertexGraph vertices;
    private final NoiseSource noise;
    private final int[] stageOf;
    private final ActivationMemory[] memoryOfStage;
    private final boolean workspaces;
    private final VertexRunner[] runners;
    private final @Nullable RegionRunner region;

    /** By position: what vertices put out, and the errors that have reached them. */
    private final @Nullable INDArray[] activations;

    private final @Nullable INDArray[] errors;

    private final ActivationMemory inputMemory;
    private final @Nullable StageExchange exchange;
    private MicroBatch microBatch = MicroBatch.NONE;
    private boolean partOfBatch;

    /**
     * @param original an initialised graph; its parameters are shared, nothing else
     * @param stageOf the stage of each vertex, by position
     * @param code with which code vertices are run
     * @param keepPreActivations whether Deeplearning4j's convolutions keep what their backward pass would compute again
     * @param name a prefix of workspace names that no other copy of the process has
     * @param region vertices that are run as one, such as in tiles; null for none
     */
    public GraphCopy(
            ComputationGraph original,
            int[] stageOf,
            KernelChoice code,
            boolean keepPreActivations,
            String name,
            @Nullable Region region) {
        this(original, GraphCopier.sharingParameters(original), stageOf, code, keepPreActivations, name, region, null);
    }

    /** A copy that runs one stage, on a device with its own memory. */
    public static GraphCopy onDevice(
            ComputationGraph original,
            int[] stageOf,
            KernelChoice code,
            boolean keepPreActivations,
            String name,
            OwnMemory own) {
        ComputationGraph graph = GraphCopier.withParameters(original, own);
        return new GraphCopy(original, graph, stageOf, code, keepPreActivations, name, null, own);
    }

    private GraphCopy(
            ComputationGraph original,
            ComputationGraph graph,
            int[] stageOf,
            KernelChoice code,
            boolean keepPreActivations,
            String name,
            @Nullable Region region,
            @Nullable OwnMemory own) {
        this.graph = graph;
        FastLayers.replaceIn(graph, code);
        this.vertices = VertexGraph.of(graph);
        this.noise = new NoiseSource(graph.conf().getSeed());
        this.stageOf = stageOf.clone();
        this.workspaces = graph.getConfiguration().getTrainingWorkspaceMode() != WorkspaceMode.NONE;
        this.activations = new INDArray[vertices.size()];
        this.errors = new INDArray[vertices.size()];
        this.inputMemory = new ActivationMemory(name + "-input", workspaces);
        int stages = 1 + Arrays.stream(stageOf).max().orElse(0);
        memoryOfStage = new ActivationMemory[stages];
        for (int stage = 0; stage < stages; stage++) {
            memoryOfStage[stage] = new ActivationMemory(name + "-stage" + stage, workspaces);
        }
        this.exchange = own == null ? null : new StageExchange(this, own);
        CopiedLayers.prepare(graph, vertices, stageOf, noise, keepPreActivations);
        this.runners = vertices.vertices().stream().map(this::runnerFor).toArray(VertexRunner[]::new);
        this.region =
                region == null ? null : region.runner(original, graphVertex(region.exit()), code, workspaces, name);
        if (this.region != null) {
            runners[region.exit()] = this.region;
        }
    }

    private boolean isInRegion(int position) {
        return region != null && region.members().contains(position);
    }

    /** Of some vertices those that are run one by one; of those that are run as one, the last. */
    List<Integer> run(List<Integer> positions) {
        return positions.stream()
                .filter(position -> !isInRegion(position) || runners[position] == region)
                .toList();
    }

    /** Positions of the vertices that a vertex reads when it is run; one at whose place others run too reads what they read. */
    List<Integer> inputs(int position) {
        return region != null && position == region.exit()
                ? List.of(region.source())
                : vertices.get(position).inputs();
    }

    private VertexRunner runnerFor(Vertex vertex) {
        GraphVertex graphVertex = graphVertex(vertex.position());
        return vertex.role() == Vertex.Role.OUTPUT
                ? new OutputRunner(graphVertex)
                : new VertexRunner(graphVertex, vertices.hasInputErrors(vertex.position()));
    }

    /** Whether arrays live in workspaces; not so if the graph's configuration asks for none. */
    public boolean usesWorkspaces() {
        return workspaces;
    }

    DataType parameterType() {
        return graph.params().dataType();
    }

    MicroBatch microBatch() {
        return microBatch;
    }

    /** Whether the micro-batch is not the whole batch. */
    boolean isPartOfBatch() {
        return partOfBatch;
    }

    /**
     * Takes up a new micro-batch, before its first forward task.
     *
     * <p>For inference it may come without labels. Parts of a batch are copied into contiguous arrays, because some layers
     * read their input's buffer from its start, and because the batch may lie in a workspace of its iterator.
     */
    public void begin(MicroBatch next, boolean partOfBatch, int iteration, int epoch) {
        this.partOfBatch = partOfBatch;
        inputMemory.open();
        try {
            if (exchange != null) {
                microBatch = exchange.receiveBatch(next);
            } else {
                microBatch = partOfBatch ? next.copy() : next;
            }
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
            inputMemory.suspend();
        }
    }

    /** Forgets the micro-batch, after its last task. */
    public void end() {
        for (ActivationMemory memory : memoryOfStage) {
            if (memory.isOpen()) {
                memory.close();
            }
        }
        if (exchange != null) {
            Arrays.fill(activations, null);
            Arrays.fill(errors, null);
        }
        graph.clearLayerMaskArrays();
        graph.clear();
        microBatch = MicroBatch.NONE;
        inputMemory.close();
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

    /** Whether a vertex can add to the gradients that it finds; otherwise it overwrites them. */
    public boolean addsGradients(int position) {
        return isInRegion(position) || runners[position].addsGradients();
    }

    /**
     * What passes between the stage of this copy and others.
     *
     * @throws IllegalStateException if all stages use this copy, so that nothing has to
     */
    public StageExchange exchange() {
        if (exchange == null) {
            throw new IllegalStateException("This copy of the graph runs all stages");
        }
        return exchange;
    }

    /** Hands on errors for other stages, if their devices have other memory. */
    void sendErrors() {
        if (exchange != null) {
            exchange.sendErrors();
        }
    }

    VertexGraph vertices() {
        return vertices;
    }

    int stageOf(int position) {
        return stageOf[position];
    }

    /** Memory of the micro-batch's arrays that come from elsewhere. */
    ActivationMemory inputMemory() {
        return inputMemory;
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

    int inputIndex(int position) {
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

    int outputIndex(int position) {
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

    ActivationMemory memory(int stage) {
        return memoryOfStage[stage];
    }

    /** What a vertex has put out, or null before; valid until its stage forgets the micro-batch. */
    public @Nullable INDArray activation(int position) {
        return activations[position];
    }

    void setActivation(int position, @Nullable INDArray activation) {
        activations[position] = activation;
    }

    /** Copies what other stages read of a stage's activations into its memory, and forgets the others. */
    void keepSent(int stage, List<Integer> positions) {
        ActivationMemory memory = memory(stage);
        memory.open();
        memory.suspend();
        for (int position : positions) {
            INDArray activation = activations[position];
            boolean isSent = vertices.consumers(position).stream().anyMatch(reader -> stageOf[reader] != stage);
            if (vertices.get(position).role() != Vertex.Role.INPUT) {
                activations[position] = isSent && activation != null ? memory.copyOf(activation) : null;
            }
            runners[position].forgetWeightNoise();
        }
    }

    @Nullable INDArray takeError(int position) {
        INDArray error = errors[position];
        errors[position] = null;
        return error;
    }

    /**
     * Adds an error to those that a vertex has received. Within a stage the first error becomes the sum; for another
     * stage it is copied into that stage's memory, since the sender's errors end with its task.
     */
    void addError(int position, INDArray error, int fromStage) {
        INDArray sum = errors[position];
        if (sum != null) {
            sum.addi(error);
        } else if (stageOf[position] == fromStage || exchange != null) {
            errors[position] = error; // with own memory, for another stage it is sent when the task ends
        } else {
            errors[position] = memory(stageOf[position]).copyOf(error);
        }
    }

    /** Forgets the arrays of a stage's vertices, after its last task for the micro-batch. */
    void clear(List<Integer> positions) {
        for (int position : positions) {
            activations[position] = null;
            errors[position] = null;
            runners[position].clear();
        }
    }

    /** Forgets every array and frees the memory: after a failed step, or at the end. The copy stays usable. */
    public void reset() {
        clear(vertices.vertices().stream().map(Vertex::position).toList());
        graph.clearLayerMaskArrays();
        graph.clear();
        microBatch = MicroBatch.NONE;
        inputMemory.destroy();
        if (region != null) {
            region.reset();
        }
        for (ActivationMemory memory : memoryOfStage) {
            memory.destroy();
        }
    }

    /** What the tiles of its last micro-batch have taken; null before there was one, and without tiles. */
    public @Nullable TileMeasurement tileMeasurement() {
        return region == null ? null : region.measurement();
    }

    /** Bytes of activation memory reserved for a stage. */
    public long bytes(int stage) {
        boolean runsRegion = region != null && stageOf[region.exit()] == stage;
        return memoryOfStage[stage].bytes()
                + (runsRegion ? region.bytes() : 0)
                + (exchange == null ? 0 : inputMemory.bytes());
    }
}
