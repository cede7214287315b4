package io.github.dl4jpipeline.internal.layers;

import java.util.List;
import org.nd4j.linalg.api.buffer.DataType;
import org.nd4j.linalg.api.ndarray.INDArray;
import org.nd4j.linalg.factory.Nd4j;

/**
 * How the backward pass of a {@link DirectConvolution} is cut into ranges of examples and of output channels. Weight
 * gradients are added over the ranges of examples, input gradients over the ranges of output channels.
 *
 * <p>For the weight gradients of a 3x3 convolution oneDNN may take Winograd's algorithm. Its scratch memory has two
 * blocks. One holds 36 numbers for each pair of an input and an output channel, once for each thread and once for
 * their sum. The other holds 36 numbers for each channel and tile of 4x4 outputs. The larger block is halved, or else
 * the other, until both together fit into the limit. Nothing is cut where they would only fit in parts so small that
 * they take much longer.
 *
 * @param examples ranges of examples
 * @param outputs ranges of as many output channels each; one range with channels last, whose parts are not in one piece
 */
record BackwardParts(List<Rows.Range> examples, List<Rows.Range> outputs) {
    private static final int KERNEL = 3;
    private static final int TILE = 4;
    private static final int NUMBERS = (TILE + KERNEL - 1) * (TILE + KERNEL - 1);

    /** Channels that oneDNN's algorithm takes at once. No part has others besides; layers that do are left as they are. */
    private static final int BLOCK = 16;

    private static final int LEAST_CHANNELS = 128;

    /** With 8 or fewer oneDNN mostly has no Winograd's algorithm. */
    private static final int LEAST_EXAMPLES = 9;

    /**
     * @param mostExamples that are computed at once
     * @param mostScratch bytes of scratch memory that oneDNN may take for the gradient by the weights
     * @param threads that compute it
     */
    static BackwardParts of(
            INDArray weights,
            INDArray error,
            ConvolutionGeometry geometry,
            long mostExamples,
            long mostScratch,
            int threads) {
        long examples = error.size(0);
        long outputs = weights.size(0);
        BackwardParts ofMaps = new BackwardParts(Rows.parts(examples, mostExamples), Rows.parts(outputs, outputs));
        if (!canBeWinograd(weights, geometry)) {
            return ofMaps;
        }
        long inputs = weights.size(1);
        long tiles = tiles(error.size(2)) * tiles(error.size(3));
        long copies = threads + 1L;
        long channels = outputs;
        long atOnce = ofMaps.examples().get(0).size();
        while (true) {
            long byWeights = copies * inputs * channels;
            long byMaps = atOnce * tiles * (inputs + channels);
            if ((byWeights + byMaps) * NUMBERS * Float.BYTES <= mostScratch) {
                return new BackwardParts(Rows.parts(examples, atOnce), Rows.parts(outputs, channels));
            }
            boolean canCutOutputs = channels >= 2 * LEAST_CHANNELS && channels % (2 * BLOCK) == 0;
            boolean canCutExamples = atOnce >= 2 * LEAST_EXAMPLES;
            if (canCutOutputs && (byWeights >= byMaps || !canCutExamples)) {
                channels /= 2;
            } else if (canCutExamples) {
                atOnce = (atOnce + 1) / 2;
            } else {
                return ofMaps;
            }
        }
    }

    private static boolean canBeWinograd(INDArray weights, ConvolutionGeometry geometry) {
        return Nd4j.getEnvironment().isCPU()
                && geometry.isChannelsFirst()
                && weights.dataType() == DataType.FLOAT
                && ConvolutionGeometry.isAll(geometry.kernel(), KERNEL)
                && ConvolutionGeometry.isAll(geometry.stride(), 1)
                && weights.size(0) % BLOCK == 0
                && weights.size(1) % BLOCK == 0;
    }

    private static long tiles(long places) {
        return (places + TILE - 1) / TILE;
    }
}
