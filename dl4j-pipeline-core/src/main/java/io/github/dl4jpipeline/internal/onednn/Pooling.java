package io.github.dl4jpipeline.internal.onednn;

import org.bytedeco.dnnl.global.dnnl;
import org.bytedeco.dnnl.memory;
import org.bytedeco.dnnl.pooling_backward;
import org.bytedeco.dnnl.pooling_forward;
import org.jspecify.annotations.Nullable;

/** A 2D pooling of so many examples. Maxima keep their places in {@link Slot#WORKSPACE}. */
public final class Pooling {
    private final Kind kind;
    private final Window window;
    private final Layout input;
    private final Layout output;
    private final pooling_forward.primitive_desc forward;

    /** What becomes of the values in a window. */
    public enum Kind {
        MAX(dnnl.algorithm.pooling_max),
        /** Their sum by the window's size. */
        AVERAGE_WITH_PADDING(dnnl.algorithm.pooling_avg_include_padding),
        /** Their sum by the number of those that are not padding. */
        AVERAGE(dnnl.algorithm.pooling_avg_exclude_padding);

        private final dnnl.algorithm method;

        Kind(dnnl.algorithm method) {
            this.method = method;
        }
    }

    private Pooling(Kind kind, Window window, Layout input, long[] outputShape) {
        this.kind = kind;
        this.window = window;
        this.input = input;
        forward = new pooling_forward.primitive_desc(
                new pooling_forward.desc(
                        dnnl.prop_kind.forward_training,
                        kind.method,
                        input.description(),
                        Layout.any(outputShape),
                        window.stride(),
                        window.kernel(),
                        window.before(),
                        window.after()),
                OneDnn.attributes(),
                OneDnn.engine());
        output = Layout.of(forward.dst_desc(), outputShape);
    }

    /**
     * A pooling of maps in this layout.
     *
     * @return null if oneDNN has only slow code for it
     */
    public static @Nullable Pooling reading(Layout input, Kind kind, Window window, long[] outputShape) {
        Pooling pooling = new Pooling(kind, window, input, outputShape);
        return Primitive.isSlow(pooling.forward) || Primitive.isSlow(pooling.errors()) ? null : pooling;
    }

    public Layout output() {
        return output;
    }

    /** Bytes of what the forward pass keeps for the backward pass. */
    public long workspaceBytes() {
        return forward.workspace_desc().get_size();
    }

    /** Whether what maxima keep is a byte for each: the number of its place in its window, in row-major order. */
    public boolean numbersPlaces() {
        return kind == Kind.MAX
                && output.channelBlock() > 0
                && forward.workspace_desc().equals(output.ofBytes());
    }

    /** From {@link Slot#INPUT} to {@link Slot#OUTPUT} and {@link Slot#WORKSPACE}, if that has bytes. */
    public Primitive forward() {
        return workspace(new Primitive(forward, new pooling_forward(forward))
                .takes(Slot.INPUT, input)
                .takes(Slot.OUTPUT, output));
    }

    /** From {@link Slot#OUTPUT_ERROR} and {@link Slot#WORKSPACE} to {@link Slot#INPUT_ERROR}. */
    public Primitive backward() {
        pooling_backward.primitive_desc description = errors();
        return workspace(new Primitive(description, new pooling_backward(description))
                .takes(Slot.OUTPUT_ERROR, output)
                .takes(Slot.INPUT_ERROR, input));
    }

    private Primitive workspace(Primitive primitive) {
        memory.desc workspace = forward.workspace_desc();
        return workspace.get_size() > 0 ? primitive.takes(Slot.WORKSPACE, workspace) : primitive;
    }

    private pooling_backward.primitive_desc errors() {
        return new pooling_backward.primitive_desc(
                new pooling_backward.desc(
                        kind.method,
                        input.description(),
                        output.description(),
                        window.stride(),
                        window.kernel(),
                        window.before(),
                        window.after()),
                OneDnn.attributes(),
                OneDnn.engine(),
                forward);
    }
}
