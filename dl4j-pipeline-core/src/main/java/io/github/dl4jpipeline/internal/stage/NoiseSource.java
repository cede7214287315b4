package io.github.dl4jpipeline.internal.stage;

import org.jspecify.annotations.Nullable;
import org.nd4j.linalg.factory.Nd4j;

/**
 * Seeds for everything random in one micro-batch. A seed follows from the graph's seed, the iteration, the vertex and
 * the example. So dropout does not depend on how the graph and the batch are cut, or on the thread.
 */
public final class NoiseSource {
    private final long seed;
    private int iteration;
    private long firstExample;
    private long examples = 1;
    private @Nullable TilePlace place;

    public NoiseSource(long seed) {
        this.seed = seed;
    }

    public void begin(int iteration, MicroBatch microBatch) {
        this.iteration = iteration;
        this.firstExample = microBatch.first();
        this.examples = microBatch.examples();
    }

    /** Number of examples of the micro-batch. */
    long examples() {
        return examples;
    }

    /** Says that the next layer sees only part of a map; its noise is that of the whole map. */
    public void place(TilePlace ofInput) {
        place = ofInput;
    }

    /** Where the input of the next layer lies in its map; null for all of it. */
    @Nullable TilePlace place() {
        return place;
    }

    /** Seeds this thread's generator for noise that every micro-batch of the step shares. */
    void seedForStep(String vertex, String part) {
        seed(vertex.hashCode() + 31L * part.hashCode(), -1);
    }

    /** Seeds this thread's generator for the micro-batch as a whole. */
    public void seedForMicroBatch(String vertex) {
        seed(~vertex.hashCode(), firstExample);
    }

    /** Seeds this thread's generator for one example, counted within the micro-batch. */
    void seedForExample(String vertex, long index) {
        seed(vertex.hashCode(), firstExample + index);
    }

    private void seed(long vertex, long example) {
        Nd4j.getRandom().setSeed(mix(mix(mix(mix(seed) + iteration) + vertex) + example));
    }

    /** The finalizer of SplitMix64 (Steele, Lea, Flood, OOPSLA 2014): every input bit changes half the output bits. */
    private static long mix(long value) {
        long z = value + 0x9E3779B97F4A7C15L;
        z = (z ^ (z >>> 30)) * 0xBF58476D1CE4E5B9L;
        z = (z ^ (z >>> 27)) * 0x94D049BB133111EBL;
        return z ^ (z >>> 31);
    }
}
