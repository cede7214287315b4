package io.github.dl4jpipeline.internal.layers;

import org.jspecify.annotations.Nullable;
import org.nd4j.linalg.activations.IActivation;
import org.nd4j.linalg.activations.impl.ActivationSoftmax;
import org.nd4j.linalg.api.ndarray.INDArray;
import org.nd4j.linalg.lossfunctions.ILossFunction;
import org.nd4j.linalg.lossfunctions.impl.LossMCXENT;
import org.nd4j.linalg.lossfunctions.impl.LossNegativeLogLikelihood;

/** The cross entropy of softmax for few numbers: gradient and score in one pass, as Deeplearning4j's {@link LossMCXENT} has them. */
final class SoftmaxLoss {
    private SoftmaxLoss() {}

    /** Whether this is the loss, and there are few numbers. */
    static boolean suits(
            ILossFunction loss, IActivation activation, INDArray labels, INDArray preOutput, @Nullable INDArray mask) {
        return mask == null
                && activation.getClass() == ActivationSoftmax.class
                && (loss.getClass() == LossMCXENT.class || loss.getClass() == LossNegativeLogLikelihood.class)
                && ((LossMCXENT) loss).getWeights() == null
                && labels.rank() == 2
                && labels.equalShapes(preOutput)
                && FewNumbers.are(labels, preOutput);
    }

    /**
     * Replaces the pre-output, one row for an example, by the gradient of the loss by it.
     *
     * @return the sum of the scores of the examples
     */
    static double apply(LossMCXENT loss, INDArray labels, INDArray preOutput) {
        double[] wanted = FewNumbers.read(labels);
        double[] values = FewNumbers.read(preOutput);
        int classes = (int) labels.size(1);
        double clip = loss.getSoftmaxClipEps();
        double score = 0;
        for (int from = 0; from < values.length; from += classes) {
            score += row(wanted, values, from, from + classes, clip);
        }
        FewNumbers.write(values, preOutput);
        return score;
    }

    private static double row(double[] wanted, double[] values, int from, int to, double clip) {
        double most = Double.NEGATIVE_INFINITY;
        for (int i = from; i < to; i++) {
            most = Math.max(most, values[i]);
        }
        double sum = 0;
        for (int i = from; i < to; i++) {
            values[i] = Math.exp(values[i] - most);
            sum += values[i];
        }
        double score = 0;
        for (int i = from; i < to; i++) {
            double probability = values[i] / sum;
            double clipped = clip > 0 ? Math.max(clip, Math.min(1 - clip, probability)) : probability;
            score -= wanted[i] * Math.log(clipped);
            values[i] = probability - wanted[i];
        }
        return score;
    }
}
