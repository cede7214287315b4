package io.github.dl4jpipeline.internal.onednn;

import org.bytedeco.dnnl.global.dnnl;
import org.bytedeco.dnnl.softmax_backward;
import org.bytedeco.dnnl.softmax_forward;

/** Shares of the exponentials of the numbers along the last dimension. */
public final class Softmax {
    private Softmax() {}

    private static softmax_forward.primitive_desc description(Layout layout) {
        return new softmax_forward.primitive_desc(
                new softmax_forward.desc(dnnl.prop_kind.forward_training, layout.description(), axis(layout)),
                OneDnn.attributes(),
                OneDnn.engine());
    }

    private static int axis(Layout layout) {
        return layout.shape().length - 1;
    }

    /** From {@link Slot#INPUT} to {@link Slot#OUTPUT}, which may be the same array. */
    public static Primitive forward(Layout layout) {
        softmax_forward.primitive_desc description = description(layout);
        return new Primitive(description, new softmax_forward(description))
                .takes(Slot.INPUT, layout)
                .takes(Slot.OUTPUT, layout);
    }

    /**
     * From {@link Slot#OUTPUT}, the shares, and {@link Slot#OUTPUT_ERROR} to {@link Slot#INPUT_ERROR}, which may be the array
     * of the output's error.
     */
    public static Primitive backward(Layout layout) {
        softmax_backward.primitive_desc description = new softmax_backward.primitive_desc(
                new softmax_backward.desc(layout.description(), layout.description(), axis(layout)),
                OneDnn.attributes(),
                OneDnn.engine(),
                description(layout));
        return new Primitive(description, new softmax_backward(description))
                .takes(Slot.OUTPUT, layout)
                .takes(Slot.OUTPUT_ERROR, layout)
                .takes(Slot.INPUT_ERROR, layout);
    }
}
