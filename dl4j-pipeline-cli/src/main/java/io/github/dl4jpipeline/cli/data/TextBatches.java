package io.github.dl4jpipeline.cli.data;

import java.util.OptionalLong;
import org.nd4j.linalg.dataset.DataSet;
import org.nd4j.linalg.factory.Nd4j;

/** Batches of sequences: one-hot characters {@code [batch, characters, steps]}, and as labels the next ones. */
final class TextBatches extends ExampleBatches {
    private static final long serialVersionUID = 1;

    private final transient TextSet text;
    private final int characters;

    /**
     * Batches of a text.
     *
     * @param characters number of different characters
     * @param seed of the order of each epoch; empty for the order of the text
     */
    TextBatches(TextSet text, int characters, int batch, OptionalLong seed) {
        super(text.size(), batch, seed);
        this.text = text;
        this.characters = characters;
    }

    @Override
    DataSet batchOf(int[] chosen) {
        int steps = TextSet.STEPS;
        float[] features = new float[Math.multiplyExact(chosen.length, characters * steps)];
        float[] labels = new float[features.length];
        for (int i = 0; i < chosen.length; i++) {
            int row = i * characters;
            for (int step = 0; step < steps; step++) {
                features[(row + text.code(chosen[i], step)) * steps + step] = 1;
                labels[(row + text.code(chosen[i], step + 1)) * steps + step] = 1;
            }
        }
        long[] shape = {chosen.length, characters, steps};
        return new DataSet(
                Nd4j.createFromArray(features).reshape('c', shape),
                Nd4j.createFromArray(labels).reshape('c', shape));
    }

    @Override
    public int inputColumns() {
        return characters;
    }

    @Override
    public int totalOutcomes() {
        return characters;
    }
}
