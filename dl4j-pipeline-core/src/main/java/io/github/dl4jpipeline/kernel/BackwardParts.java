package io.github.dl4jpipeline.kernel;

import java.util.List;
import org.nd4j.linalg.api.buffer.DataType;
import org.nd4j.linalg.api.ndarray.INDArray;

/**
 * How the backward pass of a {@link DirectConvolution} is cut: the gradients of each part of the examples are added, and those
 * by the input for each part of the output channels.
 *
 * <p>Where oneDNN has Winograd's algorithm for the gradients by the weights of a 3x3 convolution, its scratch memory holds 36
 * numbers for each pair of an input and an output channel, once for each thread and once for their sum, and 36 for each
 * channel and tile of 4x4 outputs. The larger of the two is halved until both together fit into the limit.
 *
 * @param examples ranges of examples
 * @param outputs ranges of output channels; one range with channels last, whose parts are not in one piece
 */
record BackwardParts(List<Rows.Range> examples, List<Rows.Range> outputs) {
    private static final int KERNEL = 3;
    private static final int TILE = 4;
    private static final int NUMBERS = (TILE + KERNEL - 1) * (TILE + KERNEL - 1);

    /** Of both kinds of channels that oneDNN's algorithm takes at once: there have to be a multiple of as many. */
    private static final int BLOCK = 16;

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
        List<Rows.Range> ofExamples = Rows.parts(examples, mostExamples);
        if (!canBeWinograd(weights, geometry)) {
            return new BackwardParts(ofExamples, Rows.parts(outputs, outputs));
        }
        long inputs = weights.size(1);
        long tiles = tiles(error.size(2)) * tiles(error.size(3));
        long copies = threads + 1L;
        long atOnce = ofExamples.get(0).size();
        long channels = outputs;
        while (true) {
            long ofWeights = copies * inputs * channels;
            long ofMaps = atOnce * tiles * (inputs + channels);
            boolean fits = (ofWeights + ofMaps) * NUMBERS * Float.BYTES <= mostScratch;
            if (!fits && ofWeights >= ofMaps && channels > BLOCK) {
                channels = half(channels, BLOCK);
            } else if (!fits && atOnce > 1) {
                atOnce = half(atOnce, 1);
            } else {
                return new BackwardParts(Rows.parts(examples, atOnce), Rows.parts(outputs, channels));
            }
        }
    }

    private static boolean canBeWinograd(INDArray weights, ConvolutionGeometry geometry) {
        return geometry.isChannelsFirst()
                && weights.dataType() == DataType.FLOAT
                && ConvolutionGeometry.isAll(geometry.kernel(), KERNEL)
                && ConvolutionGeometry.isAll(geometry.stride(), 1)
                && weights.size(0) % BLOCK == 0
                && weights.size(1) % BLOCK == 0;
    }

    private static long tiles(long places) {
        return (places + TILE - 1) / TILE;
    }

    /** Rounded up to a multiple. */
    private static long half(long count, int multiple) {
        return (count + 2L * multiple - 1) / (2L * multiple) * multiple;
    }
}
