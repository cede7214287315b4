package io.github.dl4jpipeline.internal.engine;

import io.github.dl4jpipeline.internal.layers.HostFloats;
import io.github.dl4jpipeline.internal.onednn.Layout;
import java.lang.ref.Reference;
import java.nio.FloatBuffer;
import java.util.Arrays;
import org.jspecify.annotations.Nullable;
import org.nd4j.linalg.api.ndarray.INDArray;

/**
 * Sums over each channel of maps, and arithmetic with values for each channel, in row-major order or with channels in blocks:
 * {@code [examples][channels / block][height * width][block]}. Sums lose little to rounding: few floats are added to each other
 * before they are added up in double. What pads the last block is zero and stays zero.
 */
final class ChannelLoops {
    private static final int CHUNK = 4096;

    /** How many floats are added in float. */
    private static final int FEW = 16;

    /** A multiple of every block. */
    private static final int LANES = 16;

    private static final ThreadLocal<Buffers> BUFFERS = ThreadLocal.withInitial(Buffers::new);

    private final int examples;
    private final int channels;
    private final int block;
    private final int blocks;

    /** Floats of one example in one block of channels. */
    private final int floats;

    private ChannelLoops(long[] shape, int block) {
        this.examples = (int) shape[0];
        this.channels = (int) shape[1];
        this.block = block;
        this.blocks = (channels + block - 1) / block;
        this.floats = (int) (shape[2] * shape[3]) * block;
    }

    /** Null for another layout. */
    static @Nullable ChannelLoops of(Layout maps) {
        int block = maps.channelBlock();
        return block == 0 ? null : new ChannelLoops(maps.shape(), block);
    }

    /** What is read at once, and values of channels at the same places. */
    private static final class Buffers {
        final float[] first = new float[CHUNK];
        final float[] second = new float[CHUNK];
        final float[][] ofChannel = new float[4][CHUNK];
        final Sum sum = new Sum();
        final Sum otherSum = new Sum();
    }

    /** A sum of chunks. */
    private static final class Sum {
        /** The lanes left when halves of them are no longer added to each other. */
        private static final int SHORT = 256;

        final float[] lanes = new float[CHUNK];
        private final double[] total = new double[LANES];
        private int added;

        /** After something has been added to the lanes. */
        void added(int length) {
            added++;
            if (added == FEW) {
                flush(length);
            }
        }

        private void flush(int length) {
            int left = length;
            while (left > SHORT && left % (2 * LANES) == 0) {
                left /= 2;
                for (int i = 0; i < left; i++) {
                    lanes[i] += lanes[left + i];
                }
            }
            for (int i = 0; i < left; i++) {
                total[i % LANES] += lanes[i];
            }
            Arrays.fill(lanes, 0, length, 0);
            added = 0;
        }

        void take(int length, int block, double[] sums, int from) {
            flush(length);
            for (int lane = 0; lane < LANES; lane++) {
                int channel = from + lane % block;
                if (channel < sums.length) {
                    sums[channel] += total[lane];
                }
            }
            Arrays.fill(total, 0);
        }
    }

    /** What becomes of a chunk. */
    private interface Body {
        void run(Buffers buffers, int length);
    }

    /** What follows the last chunk of a block of channels, the first of which has a number. */
    private interface End {
        void run(Buffers buffers, int length, int channel);
    }

    private static final End NOTHING = (buffers, length, channel) -> {};

    /** How many values a channel has. */
    double valuesOfChannel() {
        return (double) examples * floats / block;
    }

    /** By channel. */
    double[] sum(INDArray maps) {
        double[] sums = new double[channels];
        run(
                maps,
                null,
                null,
                (buffers, length) -> {
                    float[] values = buffers.first;
                    float[] lanes = buffers.sum.lanes;
                    for (int i = 0; i < length; i++) {
                        lanes[i] += values[i];
                    }
                    buffers.sum.added(length);
                },
                (buffers, length, from) -> {
                    buffers.sum.take(length, block, sums, from);
                });
        return sums;
    }

    /** By channel, the sum of the squares of the distances from a value. */
    double[] squares(INDArray maps, double[] from) {
        double[] sums = new double[channels];
        run(
                maps,
                null,
                null,
                (buffers, length) -> {
                    float[] values = buffers.first;
                    float[] subtrahends = buffers.ofChannel[0];
                    float[] lanes = buffers.sum.lanes;
                    for (int i = 0; i < length; i++) {
                        float distance = values[i] - subtrahends[i];
                        lanes[i] += distance * distance;
                    }
                    buffers.sum.added(length);
                },
                (buffers, length, first) -> {
                    buffers.sum.take(length, block, sums, first);
                },
                from);
        return sums;
    }

    /** By channel, the sum of the products of distances from a value with other maps, and the sum of those. */
    @SuppressWarnings("ArrayRecordComponent")
    record Sums(double[] products, double[] others) {}

    Sums products(INDArray maps, double[] from, INDArray others) {
        Sums sums = new Sums(new double[channels], new double[channels]);
        run(
                maps,
                others,
                null,
                (buffers, length) -> {
                    float[] values = buffers.first;
                    float[] factors = buffers.second;
                    float[] subtrahends = buffers.ofChannel[0];
                    float[] lanes = buffers.sum.lanes;
                    float[] otherLanes = buffers.otherSum.lanes;
                    for (int i = 0; i < length; i++) {
                        lanes[i] += (values[i] - subtrahends[i]) * factors[i];
                        otherLanes[i] += factors[i];
                    }
                    buffers.sum.added(length);
                    buffers.otherSum.added(length);
                },
                (buffers, length, first) -> {
                    buffers.sum.take(length, block, sums.products, first);
                    buffers.otherSum.take(length, block, sums.others, first);
                },
                from);
        return sums;
    }

    /** Writes {@code (maps - subtrahend) * factor + summand}. */
    void scale(INDArray maps, double[] subtrahends, double[] factors, double[] summands, INDArray result) {
        run(
                maps,
                null,
                result,
                (buffers, length) -> {
                    float[] values = buffers.first;
                    float[] minus = buffers.ofChannel[0];
                    float[] times = buffers.ofChannel[1];
                    float[] plus = buffers.ofChannel[2];
                    for (int i = 0; i < length; i++) {
                        values[i] = (values[i] - minus[i]) * times[i] + plus[i];
                    }
                },
                NOTHING,
                subtrahends,
                factors,
                summands);
    }

    /** Makes {@code ((maps - subtrahend) * factor + errors - shift) * scale} of the errors. */
    void combine(
            INDArray maps, double[] subtrahends, double[] factors, INDArray errors, double[] shifts, double[] scales) {
        run(
                maps,
                errors,
                errors,
                (buffers, length) -> {
                    float[] values = buffers.first;
                    float[] others = buffers.second;
                    float[] minus = buffers.ofChannel[0];
                    float[] times = buffers.ofChannel[1];
                    float[] shift = buffers.ofChannel[2];
                    float[] scale = buffers.ofChannel[3];
                    for (int i = 0; i < length; i++) {
                        values[i] = ((values[i] - minus[i]) * times[i] + others[i] - shift[i]) * scale[i];
                    }
                },
                NOTHING,
                subtrahends,
                factors,
                shifts,
                scales);
    }

    private void run(
            INDArray first,
            @Nullable INDArray second,
            @Nullable INDArray result,
            Body body,
            End end,
            double[]... ofChannel) {
        Buffers buffers = BUFFERS.get();
        FloatBuffer from = HostFloats.of(first);
        FloatBuffer fromSecond = second == null ? null : HostFloats.of(second);
        FloatBuffer to = result == null ? null : HostFloats.of(result);
        int most = Math.min(CHUNK, floats);
        try {
            for (int number = 0; number < blocks; number++) {
                for (int i = 0; i < ofChannel.length; i++) {
                    spread(ofChannel[i], number * block, buffers.ofChannel[i], most);
                }
                for (int example = 0; example < examples; example++) {
                    int begin = (example * blocks + number) * floats;
                    for (int at = begin; at < begin + floats; at += CHUNK) {
                        int length = Math.min(CHUNK, begin + floats - at);
                        from.get(at, buffers.first, 0, length);
                        if (fromSecond != null) {
                            fromSecond.get(at, buffers.second, 0, length);
                        }
                        body.run(buffers, length);
                        if (to != null) {
                            to.put(at, buffers.first, 0, length);
                        }
                    }
                }
                end.run(buffers, most, number * block);
            }
        } finally { // else their memory may be freed meanwhile
            Reference.reachabilityFence(first);
            Reference.reachabilityFence(second);
            Reference.reachabilityFence(result);
        }
    }

    /** Values of the channels from one on, again and again; 0 for what pads the block. */
    private void spread(double[] ofChannel, int from, float[] to, int length) {
        for (int i = 0; i < block; i++) {
            to[i] = from + i < channels ? (float) ofChannel[from + i] : 0;
        }
        for (int done = block; done < length; done *= 2) {
            System.arraycopy(to, 0, to, done, Math.min(done, length - done));
        }
    }
}
