package io.github.dl4jpipeline.cuda;

/**
 * A graphics card, as the driver describes it.
 *
 * @param index the driver's number of it
 * @param major first number of its compute capability
 * @param minor second number of its compute capability
 */
record Gpu(int index, String name, int major, int minor, long memoryBytes) {
    /** Whether the machine code in ND4J's CUDA library runs on it. */
    boolean isSupported() {
        int capability = 10 * major + minor;
        return capability >= 37 && capability <= 86;
    }

    @Override
    public String toString() {
        return "gpu-" + index + " (" + name + ", compute capability " + major + "." + minor + ")";
    }
}
