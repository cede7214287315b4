package io.github.dl4jpipeline.internal.stage;

import io.github.dl4jpipeline.graph.Vertex;
import io.github.dl4jpipeline.graph.VertexGraph;
import io.github.dl4jpipeline.internal.engine.Engine;
import io.github.dl4jpipeline.internal.engine.PackedWeights;
import io.github.dl4jpipeline.internal.engine.Reorders;
import io.github.dl4jpipeline.internal.engine.Space;
import io.github.dl4jpipeline.internal.engine.Value;
import io.github.dl4jpipeline.internal.layers.KernelChoice;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.TreeMap;
import java.util.concurrent.atomic.AtomicInteger;
import org.deeplearning4j.nn.api.Layer;
import org.deeplearning4j.nn.gradient.Gradient;
import org.deeplearning4j.nn.graph.ComputationGraph;
import org.deeplearning4j.nn.workspace.LayerWorkspaceMgr;
import org.nd4j.linalg.api.memory.MemoryWorkspace;
import org.nd4j.linalg.api.ndarray.INDArray;
import org.nd4j.linalg.factory.Nd4j;
import org.nd4j.linalg.indexing.NDArrayIndex;

/** Runs a copy of a graph, and keeps what each vertex has put out and what error has reached it. */
public final class CopyPasses implements AutoCloseable {
    private static final AtomicInteger COUNT = new AtomicInteger();

    private final ComputationGraph graph;
    private final VertexGraph vertices;
    private final Recording memory;
    private final PackedWeights packed = new PackedWeights();
    private final GraphCopy copy;
    private final StageScratch scratch;
    private final StageRunner runner;
    private Results results;

    /** How the backward pass runs. */
    public enum Way {
        USUAL,
        /** Parameter gradients in a task of their own. */
        SPLIT,
        /** Parameter gradients are added to what is there, where the vertex can. */
        ADDING
    }

    /**
     * Copies of what a micro-batch has led to.
     *
     * @param activations by vertex
     * @param errors by vertex, of its output
     * @param gradients by parameter, in the arrays that were bound
     * @param blocked vertices that put out a layout of the engine
     */
    public record Results(
            Map<String, INDArray> activations,
            Map<String, INDArray> errors,
            Map<String, INDArray> gradients,
            Set<String> blocked) {
        Results() {
            this(new TreeMap<>(), new TreeMap<>(), new TreeMap<>(), new HashSet<>());
        }
    }

    /** @param engine whether the engine runs what it can */
    public CopyPasses(ComputationGraph graph, KernelChoice code, boolean engine) {
        this.graph = graph;
        this.vertices = VertexGraph.of(graph);
        String name = "passes-" + COUNT.incrementAndGet();
        memory = new Recording(graph, vertices, name);
        copy = new GraphCopy(graph, memory, code, false, engine ? Engine.of(packed) : Engine.NONE, null);
        scratch = new StageScratch(name, copy.usesWorkspaces());
        List<Integer> all = vertices.vertices().stream().map(Vertex::position).toList();
        runner = new StageRunner(0, all, scratch, false);
    }

    private final class Recording extends MicroBatchMemory {
        private final Reorders reorders = new Reorders();

        Recording(ComputationGraph graph, VertexGraph vertices, String name) {
            super(graph, new int[vertices.size()], name);
        }

        @Override
        void setActivation(int position, Value activation) {
            super.setActivation(position, activation);
            String vertex = vertices.get(position).name();
            results.activations().put(vertex, array(activation));
            if (!activation.isArray()) {
                results.blocked().add(vertex);
            }
        }

        @Override
        Value takeError(int position) {
            Value error = super.takeError(position);
            if (error != null) {
                results.errors().put(vertices.get(position).name(), array(error));
            }
            return error;
        }

        private INDArray array(Value value) {
            try (MemoryWorkspace ignored = Nd4j.getWorkspaceManager().scopeOutOfWorkspaces()) {
                return reorders.activation(value, new Space(LayerWorkspaceMgr.noWorkspaces()))
                        .dup('c');
            }
        }
    }

    /** Runs a micro-batch for training. */
    public Results train(MicroBatch microBatch, Way way, double found) {
        results = new Results();
        packed.renew();
        INDArray gradients = Nd4j.createUninitialized(
                        graph.getConfiguration().getDataType(), Math.max(1, graph.numParams()))
                .assign(found);
        bind(gradients, way == Way.ADDING);
        copy.begin(microBatch, false, 0, 0);
        runner.forward(copy, position -> {});
        Map<Integer, Gradient> computed = new TreeMap<>();
        if (way == Way.SPLIT) {
            computed.putAll(
                    runner.backwardWithoutWeights(copy, 0, position -> {}).gradients());
            runner.weights(copy, position -> {}).forEach((position, gradient) -> computed.put(position, gradient));
        } else {
            computed.putAll(runner.backward(copy, 0, position -> {}).gradients());
        }
        copy.end();
        computed.forEach((position, gradient) -> gradient.gradientForVariable().forEach((parameter, array) -> {
            if (array != null) {
                results.gradients().put(vertices.get(position).name() + "_" + parameter, array.dup('c'));
            }
        }));
        return results;
    }

    /** Runs a micro-batch for inference. */
    public Results infer(MicroBatch microBatch) {
        results = new Results();
        packed.renew();
        copy.begin(microBatch, false, 0, 0);
        runner.infer(copy, position -> {});
        runner.forget(copy);
        copy.end();
        return results;
    }

    private void bind(INDArray gradients, boolean add) {
        long from = 0;
        for (Vertex vertex : vertices.vertices()) {
            long to = from + vertex.parameters();
            if (to > from && vertex.runsBackward()) {
                copy.bindGradients(
                        vertex.position(),
                        gradients.get(NDArrayIndex.interval(from, to)),
                        add && copy.addsGradients(vertex.position()));
            }
            from = to;
        }
    }

    /** Whether a vertex adds its gradients to those that it finds. */
    public boolean adds(String vertex) {
        return copy.addsGradients(vertices.get(vertex).position());
    }

    /** The layer of a vertex in the copy. */
    public Layer layer(String vertex) {
        return copy.layer(vertices.get(vertex).position());
    }

    /** Frees its memory; it stays usable. */
    @Override
    public void close() {
        copy.reset();
        packed.close();
        scratch.destroy();
        memory.reorders.close();
    }
}
