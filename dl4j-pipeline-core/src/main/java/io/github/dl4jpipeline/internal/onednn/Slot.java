package io.github.dl4jpipeline.internal.onednn;

import org.bytedeco.dnnl.global.dnnl;

/** What an argument of a primitive is. */
public enum Slot {
    INPUT(dnnl.DNNL_ARG_SRC),
    SECOND_INPUT(dnnl.DNNL_ARG_SRC_1),
    WEIGHTS(dnnl.DNNL_ARG_WEIGHTS),
    BIAS(dnnl.DNNL_ARG_BIAS),
    OUTPUT(dnnl.DNNL_ARG_DST),
    /** What a forward pass keeps for the backward pass. */
    WORKSPACE(dnnl.DNNL_ARG_WORKSPACE),
    INPUT_ERROR(dnnl.DNNL_ARG_DIFF_SRC),
    OUTPUT_ERROR(dnnl.DNNL_ARG_DIFF_DST),
    WEIGHT_GRADIENT(dnnl.DNNL_ARG_DIFF_WEIGHTS),
    BIAS_GRADIENT(dnnl.DNNL_ARG_DIFF_BIAS),
    SCRATCH(dnnl.DNNL_ARG_SCRATCHPAD);

    private final int number;

    Slot(int number) {
        this.number = number;
    }

    int number() {
        return number;
    }
}
