package io.github.dl4jpipeline;

import org.deeplearning4j.nn.api.Layer;
import org.deeplearning4j.nn.api.MaskState;
import org.deeplearning4j.nn.conf.graph.GraphVertex;
import org.deeplearning4j.nn.conf.inputs.InputType;
import org.deeplearning4j.nn.conf.memory.LayerMemoryReport;
import org.deeplearning4j.nn.conf.memory.MemoryReport;
import org.deeplearning4j.nn.gradient.Gradient;
import org.deeplearning4j.nn.graph.ComputationGraph;
import org.deeplearning4j.nn.graph.vertex.BaseGraphVertex;
import org.deeplearning4j.nn.workspace.ArrayType;
import org.deeplearning4j.nn.workspace.LayerWorkspaceMgr;
import org.nd4j.common.primitives.Pair;
import org.nd4j.linalg.api.buffer.DataType;
import org.nd4j.linalg.api.ndarray.INDArray;

/** A vertex that hands everything on, and first runs what a test has set. */
public final class ProbeVertex extends GraphVertex {
    private static final long serialVersionUID = 1;
    private static volatile Runnable onForward = ProbeVertex::nothing;
    private static volatile Runnable onBackward = ProbeVertex::nothing;

    private static void nothing() {}

    /** What the forward pass of every probe runs from now on. */
    public static void onForward(Runnable action) {
        onForward = action;
    }

    /** What the backward pass of every probe runs from now on. */
    public static void onBackward(Runnable action) {
        onBackward = action;
    }

    public static void reset() {
        onForward = ProbeVertex::nothing;
        onBackward = ProbeVertex::nothing;
    }

    @Override
    @SuppressWarnings("MethodDoesntCallSuperMethod")
    public GraphVertex clone() {
        return new ProbeVertex();
    }

    @Override
    public boolean equals(Object other) {
        return other instanceof ProbeVertex;
    }

    @Override
    public int hashCode() {
        return ProbeVertex.class.hashCode();
    }

    @Override
    public long numParams(boolean backprop) {
        return 0;
    }

    @Override
    public int minVertexInputs() {
        return 1;
    }

    @Override
    public int maxVertexInputs() {
        return 1;
    }

    @Override
    public org.deeplearning4j.nn.graph.vertex.GraphVertex instantiate(
            ComputationGraph graph, String name, int index, INDArray parameters, boolean initialize, DataType type) {
        return new Implementation(graph, name, index, type);
    }

    @Override
    public InputType getOutputType(int layerIndex, InputType... inputs) {
        return inputs[0];
    }

    @Override
    public MemoryReport getMemoryReport(InputType... inputs) {
        return new LayerMemoryReport.Builder(null, ProbeVertex.class, inputs[0], inputs[0])
                .standardMemory(0, 0)
                .workingMemory(0, 0, 0, 0)
                .cacheMemory(0, 0)
                .build();
    }

    @SuppressWarnings("overrides") // in the base class
    private static final class Implementation extends BaseGraphVertex {
        private static final long serialVersionUID = 1;

        Implementation(ComputationGraph graph, String name, int index, DataType type) {
            super(graph, name, index, null, null, type);
        }

        @Override
        public boolean hasLayer() {
            return false;
        }

        @Override
        public Layer getLayer() {
            return null;
        }

        @Override
        public INDArray doForward(boolean training, LayerWorkspaceMgr workspaces) {
            onForward.run();
            return workspaces.dup(ArrayType.ACTIVATIONS, inputs[0]);
        }

        @Override
        public Pair<Gradient, INDArray[]> doBackward(boolean tbptt, LayerWorkspaceMgr workspaces) {
            onBackward.run();
            return new Pair<>(null, new INDArray[] {workspaces.dup(ArrayType.ACTIVATION_GRAD, epsilon)});
        }

        @Override
        public void setBackpropGradientsViewArray(INDArray view) {}

        @Override
        public Pair<INDArray, MaskState> feedForwardMaskArrays(INDArray[] masks, MaskState state, int examples) {
            return masks == null || masks.length == 0 ? null : new Pair<>(masks[0], state);
        }

        @Override
        public String toString() {
            return "ProbeVertex " + getVertexName();
        }
    }
}
