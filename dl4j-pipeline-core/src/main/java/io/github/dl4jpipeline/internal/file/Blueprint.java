package io.github.dl4jpipeline.internal.file;

import io.github.dl4jpipeline.exception.ModelFileException;
import java.io.IOException;
import java.util.LinkedHashMap;
import java.util.Map;
import org.deeplearning4j.nn.api.Model;
import org.deeplearning4j.nn.conf.ComputationGraphConfiguration;
import org.deeplearning4j.nn.conf.MultiLayerConfiguration;
import org.deeplearning4j.nn.conf.NeuralNetConfiguration;
import org.deeplearning4j.nn.graph.ComputationGraph;
import org.deeplearning4j.nn.multilayer.MultiLayerNetwork;
import org.jspecify.annotations.Nullable;
import org.nd4j.linalg.api.buffer.DataType;
import org.nd4j.linalg.api.ndarray.INDArray;
import org.nd4j.shade.jackson.core.JsonProcessingException;
import org.nd4j.shade.jackson.databind.JsonNode;
import org.nd4j.shade.jackson.databind.ObjectMapper;

/** A network as its configuration describes it: known before there is memory for its parameters. */
abstract sealed class Blueprint {
    private final Map<String, Long> parametersOf = new LinkedHashMap<>();
    private long parameters;

    /**
     * Reads a configuration, and counts parameters.
     *
     * @throws ModelFileException if it is damaged, names other classes than Deeplearning4j's, or has more parameters than
     *     can be counted
     */
    static Blueprint of(String json) throws IOException {
        try {
            ClassNames.check(json);
            JsonNode root = new ObjectMapper().readTree(json);
            if (root.has("vertices")) {
                return new OfGraph(ComputationGraphConfiguration.fromJson(json));
            } else if (root.has("confs")) {
                return new OfNetwork(MultiLayerConfiguration.fromJson(json));
            }
        } catch (JsonProcessingException e) {
            throw new ModelFileException("it is no JSON: " + e.getOriginalMessage(), e);
        }
        throw new ModelFileException("it describes neither a ComputationGraph nor a MultiLayerNetwork");
    }

    private static final class OfGraph extends Blueprint {
        private final ComputationGraphConfiguration configuration;

        OfGraph(ComputationGraphConfiguration configuration) {
            this.configuration = configuration;
            configuration.getVertices().forEach((name, vertex) -> count(name, vertex.numParams(true)));
        }

        @Override
        Model build(@Nullable INDArray parameters) {
            configuration.setDataType(type(parameters, configuration.getDataType()));
            ComputationGraph graph = new ComputationGraph(configuration);
            graph.init(parameters, false);
            return graph;
        }
    }

    private static final class OfNetwork extends Blueprint {
        private final MultiLayerConfiguration configuration;

        OfNetwork(MultiLayerConfiguration configuration) {
            this.configuration = configuration;
            for (int i = 0; i < configuration.getConfs().size(); i++) {
                NeuralNetConfiguration layer = configuration.getConf(i);
                String name = layer.getLayer().getLayerName();
                count(
                        (name == null ? "" : name + ", ") + "number " + i,
                        layer.getLayer().initializer().numParams(layer));
            }
        }

        @Override
        Model build(@Nullable INDArray parameters) {
            configuration.setDataType(type(parameters, configuration.getDataType()));
            MultiLayerNetwork network = new MultiLayerNetwork(configuration);
            network.init(parameters, false);
            return network;
        }
    }

    /** The network with these parameters. */
    abstract Model build(@Nullable INDArray parameters);

    void count(String layer, long number) {
        if (number < 0 || number > Long.MAX_VALUE / Long.BYTES - parameters) {
            throw new ModelFileException("layer '" + layer + "' has more parameters than can be counted");
        }
        parameters += number;
        parametersOf.put(layer, number);
    }

    /** How many parameters there are. */
    long parameters() {
        return parameters;
    }

    /** The same for errors, with where most of them are. */
    String countedParameters() {
        String most = parametersOf.entrySet().stream()
                .max(Map.Entry.comparingByValue())
                .map(layer -> ", " + layer.getValue() + " of them in layer '" + layer.getKey() + "'")
                .orElse("");
        return "the configuration has " + parameters + most;
    }

    /** Old configurations do not name the type. */
    private static DataType type(@Nullable INDArray parameters, DataType named) {
        return parameters == null ? named : parameters.dataType();
    }

    /** The state of a network's updater, as it begins; null if it has none. */
    static @Nullable INDArray updaterState(Model model) {
        return model instanceof ComputationGraph graph
                ? graph.getUpdater().getStateViewArray()
                : ((MultiLayerNetwork) model).getUpdater().getStateViewArray();
    }
}
