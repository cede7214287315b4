package io.github.dl4jpipeline.cli.compare;

import java.util.List;

/**
 * The outcome of a comparison.
 *
 * @param model name of the model
 * @param parameters number of its parameters
 * @param batch images of a batch
 * @param steps number of measured steps of each system
 * @param warmUpSteps number of steps of each before
 * @param cores number of cores of this process
 * @param classifier of the native library
 * @param systems what was measured
 * @param notMeasured what could not be measured
 */
public record CompareFigures(
        String model,
        long parameters,
        int batch,
        int steps,
        int warmUpSteps,
        int cores,
        String classifier,
        List<SystemFigures> systems,
        List<NotMeasured> notMeasured) {

    /** A system that could not be measured, and why. */
    public record NotMeasured(String name, String reason) {}

    public CompareFigures {
        systems = List.copyOf(systems);
        notMeasured = List.copyOf(notMeasured);
    }
}
