package io.github.dl4jpipeline;

import java.util.ArrayList;
import java.util.List;
import java.util.Random;
import java.util.function.LongFunction;
import org.nd4j.linalg.api.buffer.DataType;
import org.nd4j.linalg.api.ndarray.INDArray;
import org.nd4j.linalg.dataset.DataSet;
import org.nd4j.linalg.dataset.MultiDataSet;
import org.nd4j.linalg.factory.Nd4j;

/** Random batches of the right shapes. */
public final class TestData {
    private TestData() {}

    /** Values between -1 and 1. */
    public static INDArray values(DataType type, long seed, long... shape) {
        INDArray array = Nd4j.create(type, shape);
        Random random = new Random(seed);
        for (long i = 0; i < array.length(); i++) {
            array.putScalar(i, random.nextDouble() * 2 - 1);
        }
        return array;
    }

    /** One-hot rows. */
    public static INDArray classes(DataType type, long seed, int examples, int classes) {
        INDArray array = Nd4j.create(type, examples, classes);
        Random random = new Random(seed);
        for (int i = 0; i < examples; i++) {
            array.putScalar(i, random.nextInt(classes), 1);
        }
        return array;
    }

    /** Image or value batches for a classifier. */
    public static MultiDataSet classification(DataType type, long seed, int examples, int classes, long... shape) {
        long[] withExamples = new long[shape.length + 1];
        withExamples[0] = examples;
        System.arraycopy(shape, 0, withExamples, 1, shape.length);
        return new MultiDataSet(values(type, seed, withExamples), classes(type, seed + 1, examples, classes));
    }

    /** Sequences of up to {@code steps} steps, with feature masks, and label masks where there is a label a step. */
    public static MultiDataSet sequences(
            DataType type, long seed, int examples, int inputs, int classes, int steps, boolean labelPerStep) {
        Random random = new Random(seed);
        INDArray mask = Nd4j.zeros(type, examples, steps);
        for (int i = 0; i < examples; i++) {
            int length = 1 + random.nextInt(steps);
            for (int step = 0; step < length; step++) {
                mask.putScalar(i, step, 1);
            }
        }
        INDArray labels;
        if (labelPerStep) {
            labels = Nd4j.zeros(type, examples, classes, steps);
            for (int i = 0; i < examples; i++) {
                for (int step = 0; step < steps; step++) {
                    labels.putScalar(i, random.nextInt(classes), step, 1);
                }
            }
        } else {
            labels = classes(type, seed + 1, examples, classes);
        }
        return new MultiDataSet(
                new INDArray[] {values(type, seed + 2, examples, inputs, steps)},
                new INDArray[] {labels},
                new INDArray[] {mask},
                labelPerStep ? new INDArray[] {mask.dup()} : null);
    }

    public static MultiDataSet twoInputsTwoOutputs(DataType type, long seed, int examples) {
        return new MultiDataSet(
                new INDArray[] {values(type, seed, examples, 5), values(type, seed + 1, examples, 3)},
                new INDArray[] {classes(type, seed + 2, examples, 3), values(type, seed + 3, examples, 2)});
    }

    /** 6 values, and classes for each of two outputs. */
    public static MultiDataSet twoOutputs(DataType type, long seed, int examples) {
        return new MultiDataSet(
                new INDArray[] {values(type, seed, examples, 6)},
                new INDArray[] {classes(type, seed + 1, examples, 3), classes(type, seed + 2, examples, 3)});
    }

    /** Word numbers below {@code words}. */
    public static MultiDataSet words(DataType type, long seed, int examples, int words, int classes) {
        INDArray word = Nd4j.create(type, examples, 1);
        Random random = new Random(seed);
        for (int i = 0; i < examples; i++) {
            word.putScalar(i, 0, random.nextInt(words));
        }
        return new MultiDataSet(word, classes(type, seed + 1, examples, classes));
    }

    /** The same as a DataSet. */
    public static DataSet single(MultiDataSet batch) {
        return new DataSet(
                batch.getFeatures(0),
                batch.getLabels(0),
                batch.getFeaturesMaskArrays() == null ? null : batch.getFeaturesMaskArray(0),
                batch.getLabelsMaskArrays() == null ? null : batch.getLabelsMaskArray(0));
    }

    /** Several batches with different seeds. */
    public static List<org.nd4j.linalg.dataset.api.MultiDataSet> several(
            int count, LongFunction<? extends org.nd4j.linalg.dataset.api.MultiDataSet> batch) {
        List<org.nd4j.linalg.dataset.api.MultiDataSet> batches = new ArrayList<>();
        for (int i = 0; i < count; i++) {
            batches.add(batch.apply(100L * i));
        }
        return batches;
    }
}
