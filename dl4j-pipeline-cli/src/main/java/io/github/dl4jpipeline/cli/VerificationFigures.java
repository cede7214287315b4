package io.github.dl4jpipeline.cli;

import io.github.dl4jpipeline.graph.SameGradient.Compared;
import io.github.dl4jpipeline.report.Verification;

/**
 * What {@code train --verify} has found of the plan that stayed.
 *
 * @param arrays number of parameter arrays compared
 * @param worstArray the one that uses most of its bound
 * @param worstDifference of it, from plain Deeplearning4j's gradient, or if {@code withDouble} perhaps from that in double
 * @param worstBound what its difference may be at most
 * @param scoreDifference of the score
 * @param withDouble whether the gradient was computed in double too
 */
record VerificationFigures(
        int arrays,
        String worstArray,
        double worstDifference,
        double worstBound,
        double scoreDifference,
        boolean withDouble) {

    static VerificationFigures of(Verification verification) {
        Compared worst = verification.worst();
        return new VerificationFigures(
                verification.arrays(),
                worst.name(),
                worst.difference(),
                worst.bound(),
                verification.score().difference(),
                verification.withDouble());
    }
}
