package io.github.dl4jpipeline.cli.train;

import io.github.dl4jpipeline.cli.data.TrainingData;
import io.github.dl4jpipeline.cli.model.NamedModel;
import org.deeplearning4j.nn.api.Model;
import org.deeplearning4j.nn.graph.ComputationGraph;
import org.deeplearning4j.nn.multilayer.MultiLayerNetwork;
import org.nd4j.linalg.dataset.DataSet;

/** Measures a training step of plain {@code fit}, on a copy of a model. */
public final class PlainFit {
    /** After one that does not count. */
    public static final int STEPS = 2;

    private PlainFit() {}

    /** The shorter of {@value #STEPS} steps on the first batch, in milliseconds. */
    public static double stepMillis(NamedModel model, TrainingData data, int batch) {
        DataSet examples = data.trainBatches(batch, 1).next();
        Model copy = copy(model.model());
        fit(copy, examples);
        double shortest = Double.POSITIVE_INFINITY;
        for (int step = 0; step < STEPS; step++) {
            long start = System.nanoTime();
            fit(copy, examples);
            shortest = Math.min(shortest, (System.nanoTime() - start) / 1e6);
        }
        return shortest;
    }

    private static Model copy(Model model) {
        return model instanceof ComputationGraph graph ? graph.clone() : ((MultiLayerNetwork) model).clone();
    }

    private static void fit(Model model, DataSet examples) {
        if (model instanceof ComputationGraph graph) {
            graph.fit(examples);
        } else {
            ((MultiLayerNetwork) model).fit(examples);
        }
    }
}
