package io.github.dl4jpipeline.internal.onednn;

import org.bytedeco.dnnl.post_ops;
import org.bytedeco.dnnl.primitive_attr;
import org.bytedeco.dnnl.reorder;

/** Writes the same values in another layout: from {@link Slot#INPUT} to {@link Slot#OUTPUT}. */
public final class Reorder {
    private Reorder() {}

    public static Primitive of(Layout from, Layout to) {
        return of(from, to, OneDnn.attributes());
    }

    /** The same, adding to the values that are there. */
    public static Primitive adding(Layout from, Layout to) {
        primitive_attr attributes = OneDnn.attributes();
        post_ops after = new post_ops();
        after.append_sum();
        attributes.set_post_ops(after);
        return of(from, to, attributes);
    }

    private static Primitive of(Layout from, Layout to, primitive_attr attributes) {
        reorder.primitive_desc description = new reorder.primitive_desc(
                OneDnn.engine(), from.description(), OneDnn.engine(), to.description(), attributes, false);
        return new Primitive(description, new reorder(description))
                .takes(Slot.INPUT, from)
                .takes(Slot.OUTPUT, to);
    }
}
