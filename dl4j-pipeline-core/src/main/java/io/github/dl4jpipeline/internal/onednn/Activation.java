package io.github.dl4jpipeline.internal.onednn;

import org.bytedeco.dnnl.eltwise_backward;
import org.bytedeco.dnnl.eltwise_forward;
import org.bytedeco.dnnl.global.dnnl;
import org.bytedeco.dnnl.post_ops;
import org.bytedeco.dnnl.primitive_attr;

/**
 * A function of each element, whose derivative follows from its value.
 *
 * @param alpha the slope of leaky ReLU below 0, the factor of ELU; 0 for others
 */
public record Activation(Function function, float alpha) {
    /** Which function. */
    public enum Function {
        IDENTITY(null, null),
        RELU(dnnl.algorithm.eltwise_relu, dnnl.algorithm.eltwise_relu_use_dst_for_bwd),
        ELU(dnnl.algorithm.eltwise_elu, dnnl.algorithm.eltwise_elu_use_dst_for_bwd),
        TANH(dnnl.algorithm.eltwise_tanh, dnnl.algorithm.eltwise_tanh_use_dst_for_bwd),
        SIGMOID(dnnl.algorithm.eltwise_logistic, dnnl.algorithm.eltwise_logistic_use_dst_for_bwd);

        private final dnnl.algorithm forward;
        private final dnnl.algorithm backward;

        Function(dnnl.algorithm forward, dnnl.algorithm backward) {
            this.forward = forward;
            this.backward = backward;
        }
    }

    public static final Activation IDENTITY = new Activation(Function.IDENTITY, 0);

    /** Whether it changes nothing. */
    public boolean isIdentity() {
        return function == Function.IDENTITY;
    }

    /** Attributes of an operation whose results it is applied to. */
    primitive_attr fused() {
        primitive_attr attributes = OneDnn.attributes();
        if (!isIdentity()) {
            post_ops after = new post_ops();
            after.append_eltwise(1, function.forward, alpha, 0);
            attributes.set_post_ops(after);
        }
        return attributes;
    }

    private eltwise_forward.primitive_desc description(Layout layout) {
        // the values are kept, so the algorithm is that of the backward pass
        return new eltwise_forward.primitive_desc(
                new eltwise_forward.desc(
                        dnnl.prop_kind.forward_training, function.backward, layout.description(), alpha, 0),
                OneDnn.attributes(),
                OneDnn.engine());
    }

    /** From {@link Slot#INPUT} to {@link Slot#OUTPUT}, which may be the same array. */
    public Primitive forward(Layout layout) {
        eltwise_forward.primitive_desc description = description(layout);
        return new Primitive(description, new eltwise_forward(description))
                .takes(Slot.INPUT, layout)
                .takes(Slot.OUTPUT, layout);
    }

    /**
     * From {@link Slot#OUTPUT}, the value, and {@link Slot#OUTPUT_ERROR} to {@link Slot#INPUT_ERROR}, which may be the array
     * of the output's error.
     */
    public Primitive backward(Layout layout) {
        eltwise_backward.primitive_desc description = new eltwise_backward.primitive_desc(
                new eltwise_backward.desc(function.backward, layout.description(), layout.description(), alpha, 0),
                OneDnn.attributes(),
                OneDnn.engine(),
                description(layout));
        return new Primitive(description, new eltwise_backward(description))
                .takes(Slot.OUTPUT, layout)
                .takes(Slot.OUTPUT_ERROR, layout)
                .takes(Slot.INPUT_ERROR, layout);
    }
}
