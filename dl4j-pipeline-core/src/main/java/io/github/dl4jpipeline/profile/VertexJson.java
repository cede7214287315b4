package io.github.dl4jpipeline.profile;

import com.fasterxml.jackson.annotation.JsonProperty;
import java.util.List;

/** A {@link VertexCost} as it stands in a file: one list of names and numbers. */
record VertexJson(
        String vertex,
        List<String> inputs,
        double forwardMillis,
        double fixedForwardMillis,
        double worstForwardMillis,
        double backwardMillis,
        double fixedBackwardMillis,
        double worstBackwardMillis,
        @JsonProperty(required = false) double onceForwardMillis,
        @JsonProperty(required = false) double onceBackwardMillis,
        double weightMillis,
        double splitMillis,
        long activationBytes,
        long parameterBytes,
        long gradientBytes,
        long updaterBytes,
        long apartBytes,
        @JsonProperty(required = false) long packedBytes) {

    static VertexJson of(VertexCost cost) {
        return new VertexJson(
                cost.vertex(),
                cost.inputs(),
                cost.forwardMillis(),
                cost.fixedForwardMillis(),
                cost.worstForwardMillis(),
                cost.backwardMillis(),
                cost.fixedBackwardMillis(),
                cost.worstBackwardMillis(),
                cost.onceForwardMillis(),
                cost.onceBackwardMillis(),
                cost.weightMillis(),
                cost.splitMillis(),
                cost.activationBytes(),
                cost.parameterBytes(),
                cost.gradientBytes(),
                cost.updaterBytes(),
                cost.apartBytes(),
                cost.packedBytes());
    }

    VertexCost cost() {
        return new VertexCost(
                vertex,
                inputs,
                new PassTimes(forwardMillis, fixedForwardMillis, worstForwardMillis, onceForwardMillis),
                new PassTimes(backwardMillis, fixedBackwardMillis, worstBackwardMillis, onceBackwardMillis),
                new SplitTimes(weightMillis, splitMillis),
                new VertexBytes(activationBytes, parameterBytes, gradientBytes, updaterBytes, apartBytes, packedBytes));
    }
}
