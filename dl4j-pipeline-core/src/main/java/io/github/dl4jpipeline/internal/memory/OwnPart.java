package io.github.dl4jpipeline.internal.memory;

import io.github.dl4jpipeline.internal.update.UpdateCode;
import java.util.ArrayList;
import java.util.List;
import java.util.Objects;
import org.deeplearning4j.nn.conf.GradientNormalization;
import org.deeplearning4j.nn.updater.graph.ComputationGraphUpdater;
import org.nd4j.linalg.api.ndarray.INDArray;
import org.nd4j.linalg.indexing.NDArrayIndex;

/**
 * The elements of a stage's parameters that one of its replicas updates.
 *
 * @param from the first, in the stage's own array
 * @param to after the last
 */
record OwnPart(long from, long to) {
    /** Parts begin at multiples of this, so that vector instructions find the same ends as in the whole array. */
    private static final long ALIGNMENT = 16;

    /**
     * The parts of the replicas of a stage, in their order: about as many elements each where the update can be cut, otherwise all in
     * the first.
     */
    static List<OwnPart> of(DeviceStage stage, ComputationGraphUpdater updater, int replicas) {
        long length = stage.layout().length();
        boolean cut = canCut(stage, updater);
        List<OwnPart> parts = new ArrayList<>();
        for (int replica = 0; replica < replicas; replica++) {
            long from = cut ? place(length, replica, replicas) : replica == 0 ? 0 : length;
            long to = cut ? place(length, replica + 1, replicas) : length;
            parts.add(new OwnPart(from, to));
        }
        return parts;
    }

    private static long place(long length, int part, int parts) {
        return part == parts ? length : length * part / parts / ALIGNMENT * ALIGNMENT;
    }

    /** Whether each element is updated on its own: no code of users, no norm of a layer's gradients, no constraint. */
    private static boolean canCut(DeviceStage stage, ComputationGraphUpdater updater) {
        boolean normalizes = stage.positions().stream()
                .map(stage.graph()::layer)
                .filter(Objects::nonNull)
                .filter(layer -> layer.getConfig() != null)
                .map(layer -> layer.getConfig().getGradientNormalization())
                .anyMatch(kind -> kind != null && kind != GradientNormalization.None);
        return !normalizes
                && !stage.mayHaveConstraints()
                && updater.getUpdaterBlocks().stream().allMatch(UpdateCode::isElementWise);
    }

    long length() {
        return Math.max(0, to - from);
    }

    OwnPart and(OwnPart other) {
        return new OwnPart(Math.max(from, other.from), Math.min(to, other.to));
    }

    /** This part of a vector with as many elements as the stage. */
    INDArray of(INDArray vector) {
        return vector.get(NDArrayIndex.interval(from, to));
    }
}
