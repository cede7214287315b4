package io.github.dl4jpipeline.internal.engine;

import io.github.dl4jpipeline.internal.layers.HostFloats;
import io.github.dl4jpipeline.internal.onednn.Layout;
import io.github.dl4jpipeline.internal.onednn.Pooling;
import io.github.dl4jpipeline.internal.onednn.Window;
import java.lang.ref.Reference;
import java.nio.ByteBuffer;
import java.nio.FloatBuffer;
import java.util.Arrays;
import org.jspecify.annotations.Nullable;
import org.nd4j.linalg.api.ndarray.INDArray;

/**
 * Errors of the inputs of maxima, which are zero but for their places. With AVX2 oneDNN's own code takes up to three times as long, as
 * far as the maps fit into caches.
 */
final class MaximaErrors {
    private static final ThreadLocal<Buffers> BUFFERS = ThreadLocal.withInitial(Buffers::new);

    /** Larger blocks of channels are those of AVX-512. */
    private static final int MOST_BLOCK = 8;

    /** Of more, oneDNN's code passes fewer through memory. */
    private static final long MOST_BYTES = 6 << 20;

    private static final int NUMBERS = 1 << Byte.SIZE;

    private final int planes;
    private final int block;
    private final int plane;
    private final int outputRows;
    private final int outputWidth;
    private final int rowStride;

    /** Floats from where the first window begins to the first of the plane. */
    private final int before;

    /** Where windows of a row begin, for each of its outputs. */
    private final int[] begins;

    /** By number of a place in a window: how far it is from the first. */
    private final int[] distances = new int[NUMBERS];

    /** Of a plane, and of its output. */
    private static final class Buffers {
        float[] errors = new float[0];
        float[] ofInput = new float[0];
        byte[] places = new byte[0];

        void reserve(int plane, int output) {
            if (ofInput.length < plane) {
                ofInput = new float[plane];
            }
            if (errors.length < output) {
                errors = new float[output];
                places = new byte[output];
            }
        }
    }

    private MaximaErrors(Layout input, Layout output, Window window) {
        long[] shape = input.shape();
        block = input.channelBlock();
        int width = (int) shape[3] * block;
        planes = (int) (shape[0] * ((shape[1] + block - 1) / block));
        plane = (int) shape[2] * width;
        outputRows = (int) output.shape()[2];
        outputWidth = (int) output.shape()[3] * block;
        rowStride = (int) window.stride()[0] * width;
        before = (int) window.before()[0] * width + (int) window.before()[1] * block;
        begins = new int[outputWidth];
        for (int i = 0; i < outputWidth; i++) {
            begins[i] = i / block * (int) window.stride()[1] * block + i % block;
        }
        int columns = (int) window.kernel()[1];
        for (int number = 0; number < NUMBERS; number++) {
            distances[number] = number / columns * width + number % columns * block;
        }
    }

    /** Null where oneDNN's code is taken. */
    static @Nullable MaximaErrors of(Pooling pooling, Layout input, Window window) {
        int block = input.channelBlock();
        boolean fits = block > 0
                && block <= MOST_BLOCK
                && pooling.numbersPlaces()
                && pooling.output().channelBlock() == block
                && input.bytes() <= MOST_BYTES;
        return fits ? new MaximaErrors(input, pooling.output(), window) : null;
    }

    /**
     * Writes the errors of the input.
     *
     * @param errors of the maxima
     * @param places as the forward pass has left them
     */
    void run(INDArray errors, INDArray places, INDArray ofInput) {
        int output = outputRows * outputWidth;
        Buffers buffers = BUFFERS.get();
        buffers.reserve(before + plane, output);
        FloatBuffer from = HostFloats.of(errors);
        ByteBuffer fromPlaces = HostFloats.bytes(places);
        FloatBuffer to = HostFloats.of(ofInput);
        try {
            for (int number = 0; number < planes; number++) {
                from.get(number * output, buffers.errors, 0, output);
                fromPlaces.get(number * output, buffers.places, 0, output);
                Arrays.fill(buffers.ofInput, 0, before + plane, 0);
                for (int row = 0; row < outputRows; row++) {
                    add(buffers, row * rowStride, row * outputWidth, begins, distances);
                }
                to.put(number * plane, buffers.ofInput, before, plane);
            }
        } finally { // else their memory may be freed meanwhile
            Reference.reachabilityFence(errors);
            Reference.reachabilityFence(places);
            Reference.reachabilityFence(ofInput);
        }
    }

    /** A window of NaN has no place; its error goes to where it begins, which may be before the plane. */
    private static void add(Buffers buffers, int first, int at, int[] begins, int[] distances) {
        float[] errors = buffers.errors;
        byte[] places = buffers.places;
        float[] ofInput = buffers.ofInput;
        for (int i = 0; i < begins.length; i++) {
            ofInput[first + begins[i] + distances[places[at + i] & (NUMBERS - 1)]] += errors[at + i];
        }
    }
}
