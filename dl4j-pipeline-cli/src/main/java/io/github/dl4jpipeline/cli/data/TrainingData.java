package io.github.dl4jpipeline.cli.data;

import org.nd4j.linalg.dataset.api.iterator.DataSetIterator;

/** What a network is trained and tested on. */
public sealed interface TrainingData permits ImageData, TextData {

    /** Where the data are from: {@code generated}, or the directory or file. */
    String name();

    /** A sentence for people. */
    String description();

    /** What the examples are: {@code images}, {@code sequences}. */
    String examples();

    /** Number of examples to train on, at least one. */
    int trainSize();

    /** Number of examples to test on, at least one. */
    int testSize();

    /** A checksum of the examples to train on. */
    long trainChecksum();

    /** In how many segments, each with a step of its own, a batch is trained. */
    int segments();

    /** Batches to train on, each epoch in an order of its own. */
    ExampleBatches trainBatches(int batch, long seed);

    /** Batches to test on. */
    DataSetIterator testBatches(int batch);
}
