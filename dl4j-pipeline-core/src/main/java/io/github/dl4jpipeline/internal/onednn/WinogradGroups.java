package io.github.dl4jpipeline.internal.onednn;

/**
 * The examples of a batch in equal groups.
 *
 * @param input the layout of a group
 * @param output likewise
 * @param count how many groups
 */
record WinogradGroups(Layout input, Layout output, long count) {
    /** The most tiles of a group, if that leaves an example. */
    static final long MOST_TILES = 64;

    static WinogradGroups of(Layout input, Layout output) {
        long[] shape = output.shape();
        long tiles = WinogradMatrices.tiles(shape[2]) * WinogradMatrices.tiles(shape[3]);
        long examples = shape[0];
        long size = examples;
        while (size > 1 && (size * tiles > MOST_TILES || examples % size != 0)) {
            size--;
        }
        return new WinogradGroups(input.ofExamples(size), output.ofExamples(size), examples / size);
    }

    long firstOfInput(int group) {
        return group * input.floats();
    }

    long firstOfOutput(int group) {
        return group * output.floats();
    }
}
