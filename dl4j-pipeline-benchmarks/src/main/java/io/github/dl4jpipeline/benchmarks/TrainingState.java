package io.github.dl4jpipeline.benchmarks;

import java.util.Arrays;
import org.deeplearning4j.nn.graph.ComputationGraph;
import org.nd4j.linalg.api.ndarray.INDArray;

/**
 * What a step changes.
 *
 * @param parameters a copy
 * @param updater a copy of the updater's state
 */
record TrainingState(INDArray parameters, INDArray updater, int iterations, int epochs) {
    static TrainingState of(ComputationGraph graph) {
        return new TrainingState(
                graph.params().dup(),
                graph.getUpdater().getStateViewArray().dup(),
                graph.getIterationCount(),
                graph.getEpochCount());
    }

    /** Checks bit for bit. */
    void requireSame(ComputationGraph graph) {
        TrainingState now = of(graph);
        if (iterations != now.iterations || epochs != now.epochs) {
            throw new IllegalStateException(
                    "counts went from " + iterations + ", " + epochs + " to " + now.iterations + ", " + now.epochs);
        }
        requireSameBits("parameters", parameters, now.parameters);
        requireSameBits("updater state", updater, now.updater);
    }

    static void requireSameBits(String what, INDArray before, INDArray after) {
        if (!Arrays.equals(before.data().asFloat(), after.data().asFloat())) {
            throw new IllegalStateException(what + " changed");
        }
    }
}
