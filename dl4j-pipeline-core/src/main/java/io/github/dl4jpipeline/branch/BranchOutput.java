package io.github.dl4jpipeline.branch;

import org.nd4j.linalg.api.ndarray.INDArray;

/**
 * What an inference gave, and what branches exchanged for it.
 *
 * @param output of the network, {@code [batch, classes]}
 * @param inputBytes bytes of the network's inputs, which every branch gets; counted once, as in a broadcast
 * @param activationBytes bytes of the activations that the branches sent to the classifier
 */
public record BranchOutput(INDArray output, long inputBytes, long activationBytes) {

    public long exchangedBytes() {
        return inputBytes + activationBytes;
    }
}
