package io.github.dl4jpipeline.cli.model;

/** What a model takes and gives. */
public sealed interface ModelShape permits ImageSize, SequenceSize, VectorSize {

    /** The shape of the features of a batch; the first dimension is the examples. */
    long[] features(int batch);

    /** The shape of the labels of a batch: classes are the second dimension. */
    long[] labels(int batch);

    /** What a training step takes: another shape if a batch is trained in segments, with a step for each. */
    default ModelShape ofOneStep() {
        return this;
    }
}
