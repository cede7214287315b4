package io.github.dl4jpipeline.cli.model;

import io.github.dl4jpipeline.cli.io.InputException;
import java.nio.file.Path;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import org.deeplearning4j.exception.DL4JException;
import org.deeplearning4j.nn.api.Model;
import org.deeplearning4j.nn.conf.ComputationGraphConfiguration;
import org.deeplearning4j.nn.conf.InputPreProcessor;
import org.deeplearning4j.nn.conf.MultiLayerConfiguration;
import org.deeplearning4j.nn.conf.graph.GraphVertex;
import org.deeplearning4j.nn.conf.inputs.InputType;
import org.deeplearning4j.nn.graph.ComputationGraph;
import org.deeplearning4j.nn.multilayer.MultiLayerNetwork;

/** How large the activations of a model from a file are, by its configuration: known before anything is run. */
final class ActivationSizes {
    /** A quarter of a gigabyte for one image of one layer. */
    private static final long MOST_NUMBERS = 1L << 26;

    private ActivationSizes() {}

    /** Gives the activations of a layer or vertex. */
    private interface Output {
        InputType type();
    }

    /**
     * Makes sure that a model can be run with an image. What does not say how large its activations are is left out.
     *
     * @throws InputException if a layer gives out of all proportion many numbers, or its settings contradict each other
     */
    static void require(Path file, Model model, InputType input) {
        if (model instanceof ComputationGraph graph) {
            requireGraph(file, graph, input);
        } else {
            requireNetwork(
                    file,
                    ((MultiLayerNetwork) model).getLayerWiseConfigurations().clone(),
                    input);
        }
    }

    private static void requireGraph(Path file, ComputationGraph model, InputType input) {
        ComputationGraphConfiguration graph = model.getConfiguration().clone();
        Map<String, InputType> types = new HashMap<>();
        graph.getNetworkInputs().forEach(name -> types.put(name, input));
        int position = 0;
        for (int index : model.topologicalSortOrder()) {
            String name = model.getVertices()[index].getVertexName();
            List<String> inputs = graph.getVertexInputs().getOrDefault(name, List.of());
            GraphVertex vertex = graph.getVertices().get(name);
            if (vertex != null && types.keySet().containsAll(inputs)) {
                InputType[] read = inputs.stream().map(types::get).toArray(InputType[]::new);
                int number = position++;
                type(file, name, () -> vertex.getOutputType(number, read)).ifPresent(type -> types.put(name, type));
            }
        }
    }

    private static void requireNetwork(Path file, MultiLayerConfiguration network, InputType input) {
        InputType last = input;
        for (int i = 0; i < network.getConfs().size(); i++) {
            int number = i;
            InputType read = last;
            InputPreProcessor before = network.getInputPreProcess(i);
            Optional<InputType> type = type(file, "number " + i, () -> network.getConf(number)
                    .getLayer()
                    .getOutputType(number, before == null ? read : before.getOutputType(read)));
            if (type.isEmpty()) {
                return;
            }
            last = type.get();
        }
    }

    private static Optional<InputType> type(Path file, String layer, Output output) {
        InputType type;
        try {
            type = output.type();
        } catch (DL4JException | ArithmeticException e) {
            throw new InputException(file + ": layer '" + layer + "' cannot be run with images: " + e.getMessage(), e);
        } catch (RuntimeException unknown) {
            return Optional.empty();
        }
        require(file, layer, type);
        return Optional.of(type);
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
