package io.github.dl4jpipeline.examples.model;

import io.github.dl4jpipeline.examples.io.InputException;
import java.nio.file.Path;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import org.deeplearning4j.exception.DL4JException;
import org.deeplearning4j.nn.api.Model;
import org.deeplearning4j.nn.conf.MultiLayerConfiguration;
import org.deeplearning4j.nn.conf.inputs.InputType;
import org.deeplearning4j.nn.graph.ComputationGraph;
import org.deeplearning4j.nn.multilayer.MultiLayerNetwork;

/** How large the activations of a model from a file are, by its configuration: known before anything is run. */
final class ActivationSizes {
    /** A quarter of a gigabyte for one image of one layer. */
    private static final long MOST_NUMBERS = 1L << 26;

    private ActivationSizes() {}

    /**
     * Makes sure that a model can be run with an image.
     *
     * @throws InputException if a layer gives out of all proportion many numbers, or its settings contradict each other
     */
    static void require(Path file, Model model, InputType input) {
        try {
            types(model, input).forEach((layer, type) -> require(file, layer, type));
        } catch (DL4JException | ArithmeticException e) {
            throw new InputException(
                    file + " has layers that do not fit images of " + input + ": " + e.getMessage(), e);
        }
    }

    private static Map<String, InputType> types(Model model, InputType input) {
        if (model instanceof ComputationGraph graph) {
            return graph.getConfiguration().clone().getLayerActivationTypes(false, false, input);
        }
        MultiLayerConfiguration copy =
                ((MultiLayerNetwork) model).getLayerWiseConfigurations().clone();
        List<InputType> types = copy.getLayerActivationTypes(input);
        Map<String, InputType> byLayer = new LinkedHashMap<>();
        for (int i = 0; i < types.size(); i++) {
            byLayer.put("number " + i, types.get(i));
        }
        return byLayer;
    }

    private static void require(Path file, String layer, InputType type) {
        long numbers = 1;
        for (long size : type.getShape(false)) {
            if (size != 0 && numbers > MOST_NUMBERS / Math.abs(size)) {
                throw new InputException(file + ": layer '" + layer + "' would give " + type
                        + " for one image, more than " + MOST_NUMBERS + " numbers");
            }
            numbers *= Math.abs(size);
        }
    }
}
