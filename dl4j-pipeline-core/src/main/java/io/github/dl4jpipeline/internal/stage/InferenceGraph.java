package io.github.dl4jpipeline.internal.stage;

import io.github.dl4jpipeline.graph.Kernels;
import io.github.dl4jpipeline.graph.Vertex;
import io.github.dl4jpipeline.graph.VertexGraph;
import io.github.dl4jpipeline.internal.engine.Engine;
import io.github.dl4jpipeline.internal.engine.EngineLayers;
import io.github.dl4jpipeline.internal.engine.PackedWeights;
import io.github.dl4jpipeline.internal.engine.Value;
import io.github.dl4jpipeline.internal.layers.FastLayers;
import io.github.dl4jpipeline.internal.layers.KernelChoice;
import java.util.List;
import java.util.concurrent.atomic.AtomicInteger;
import org.deeplearning4j.nn.conf.ComputationGraphConfiguration;
import org.deeplearning4j.nn.graph.ComputationGraph;
import org.jspecify.annotations.Nullable;
import org.nd4j.linalg.api.memory.MemoryWorkspace;
import org.nd4j.linalg.api.memory.abstracts.DummyWorkspace;
import org.nd4j.linalg.api.ndarray.INDArray;
import org.nd4j.linalg.factory.Nd4j;

/**
 * A graph for inference that shares the parameters of another. The engine runs what it can of {@code output}; everything else is
 * Deeplearning4j's. One thread at a time uses it.
 */
@SuppressWarnings("serial") // it is never written
public final class InferenceGraph extends ComputationGraph {
    private static final AtomicInteger COUNT = new AtomicInteger();

    private final ComputationGraph original;
    private final KernelChoice code;
    private boolean usesEngine;
    private @Nullable Pass pass;

    private InferenceGraph(ComputationGraphConfiguration configuration, ComputationGraph original, KernelChoice code) {
        super(configuration);
        this.original = original;
        this.code = code;
    }

    /** A graph that shares the parameter array of {@code original}, to run forward while the original does something else. */
    public static InferenceGraph of(ComputationGraph original, Kernels kernels) {
        return of(original, KernelChoice.all(kernels));
    }

    /** The same with other code for some vertices. */
    public static InferenceGraph of(ComputationGraph original, KernelChoice code) {
        InferenceGraph copy = GraphCopier.copy(
                original,
                original.params(),
                changes -> {},
                configuration -> new InferenceGraph(configuration, original, code));
        copy.usesEngine = !EngineLayers.vertices(copy, code).isEmpty();
        FastLayers.replaceIn(copy, code);
        return copy;
    }

    /** What runs the graph forward, with packed weights and memory of its own. */
    private final class Pass {
        private final PackedWeights packed = PackedWeights.keeping();
        private final VertexGraph vertices = VertexGraph.of(original);
        private final GraphCopy copy;
        private final StageScratch scratch;
        private final StageRunner runner;

        Pass() {
            String name = "output-" + COUNT.incrementAndGet();
            List<Integer> all =
                    vertices.vertices().stream().map(Vertex::position).toList();
            MicroBatchMemory memory = new MicroBatchMemory(original, new int[vertices.size()], name);
            copy = new GraphCopy(original, memory, code, false, Engine.of(packed), null);
            scratch = new StageScratch(name, copy.usesWorkspaces());
            runner = new StageRunner(0, all, scratch, false);
        }

        INDArray[] outputs(MicroBatch batch, @Nullable MemoryWorkspace target) {
            boolean done = false;
            // The pass opens and closes workspaces of its own; the caller's is to be the current one afterwards.
            try (MemoryWorkspace ignored = Nd4j.getWorkspaceManager().scopeOutOfWorkspaces();
                    ActivationMemory.Visit visit = new ActivationMemory.Visit()) {
                packed.renew();
                copy.begin(batch, false, 0, 0);
                runner.infer(copy, position -> {});
                INDArray[] outputs = copies(target);
                runner.forget(copy);
                copy.end();
                done = true;
                return outputs;
            } finally {
                if (!done) {
                    release();
                }
            }
        }

        private INDArray[] copies(@Nullable MemoryWorkspace target) {
            boolean none = target == null || target instanceof DummyWorkspace;
            try (MemoryWorkspace ignored =
                    none ? Nd4j.getWorkspaceManager().scopeOutOfWorkspaces() : target.notifyScopeBorrowed()) {
                return getConfiguration().getNetworkOutputs().stream()
                        .map(name -> output(vertices.get(name).position()))
                        .toArray(INDArray[]::new);
            }
        }

        private INDArray output(int position) {
            Value value = copy.activation(position);
            if (value == null || !value.isArray()) {
                throw new IllegalStateException("A network output has no array");
            }
            return value.values().dup(value.values().ordering());
        }

        void release() {
            copy.reset();
            scratch.destroy();
            packed.close();
        }
    }

    @Override
    public synchronized INDArray[] output(
            boolean train,
            INDArray[] input,
            INDArray @Nullable [] inputMasks,
            INDArray @Nullable [] labelMasks,
            @Nullable MemoryWorkspace outputWorkspace) {
        if (train || !usesEngine) {
            return super.output(train, input, inputMasks, labelMasks, outputWorkspace);
        }
        if (pass == null) {
            pass = new Pass();
        }
        return pass.outputs(MicroBatch.whole(input, new INDArray[0], inputMasks, labelMasks), outputWorkspace);
    }

    /** As {@link #output(boolean, INDArray[], INDArray[], INDArray[], MemoryWorkspace)}, unless inputs are to be kept. */
    @Override
    public synchronized INDArray[] output(boolean train, boolean clearInputs, INDArray... input) {
        return train || !clearInputs ? super.output(train, clearInputs, input) : output(false, input, null, null, null);
    }

    /** Frees what it has besides parameters; the next output allocates anew. */
    public synchronized void release() {
        if (pass != null) {
            pass.release();
            pass = null;
        }
    }
}
