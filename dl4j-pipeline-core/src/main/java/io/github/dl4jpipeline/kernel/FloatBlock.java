package io.github.dl4jpipeline.kernel;

/** Some thousand elements that stay in a core's first caches, of each thread. */
final class FloatBlock {
    private static final int ELEMENTS = 4096;
    private static final ThreadLocal<float[]> BLOCK = ThreadLocal.withInitial(() -> new float[ELEMENTS]);

    private FloatBlock() {}

    /** The calling thread's. */
    static float[] get() {
        return BLOCK.get();
    }
}
