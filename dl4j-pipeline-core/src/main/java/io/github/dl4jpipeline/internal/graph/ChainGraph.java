package io.github.dl4jpipeline.internal.graph;

import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import org.deeplearning4j.nn.conf.ComputationGraphConfiguration;
import org.deeplearning4j.nn.conf.MultiLayerConfiguration;
import org.deeplearning4j.nn.conf.NeuralNetConfiguration;
import org.deeplearning4j.nn.conf.graph.GraphVertex;
import org.deeplearning4j.nn.conf.graph.LayerVertex;
import org.deeplearning4j.nn.multilayer.MultiLayerNetwork;

/**
 * The configuration of a multi-layer network as that of a graph: a chain of the same layers.
 *
 * <p>Layer configurations are the same objects, so a learning rate that is set on one holds for the other. Parameters
 * and updater state of such a graph are laid out as those of the network.
 */
public final class ChainGraph {
    private static final String INPUT = "input";

    private ChainGraph() {}

    /** The configuration, with the network's settings and counts. */
    public static ComputationGraphConfiguration of(MultiLayerNetwork network) {
        MultiLayerConfiguration from = network.getLayerWiseConfigurations();
        Map<String, GraphVertex> vertices = new LinkedHashMap<>();
        Map<String, List<String>> inputs = new LinkedHashMap<>();
        String previous = INPUT;
        for (int i = 0; i < from.getConfs().size(); i++) {
            NeuralNetConfiguration layer = from.getConf(i);
            String name = layer.getLayer().getLayerName();
            if (name == null || name.equals(INPUT) || vertices.containsKey(name)) {
                // The graph needs a distinct name for each layer; the network keeps what it has.
                layer = layer.clone();
                name = "layer-" + i;
                layer.getLayer().setLayerName(name);
            }
            vertices.put(name, new LayerVertex(layer, from.getInputPreProcess(i)));
            inputs.put(name, new ArrayList<>(List.of(previous)));
            previous = name;
        }
        ComputationGraphConfiguration chain = new ComputationGraphConfiguration();
        chain.setVertices(vertices);
        chain.setVertexInputs(inputs);
        chain.setNetworkInputs(new ArrayList<>(List.of(INPUT)));
        chain.setNetworkOutputs(new ArrayList<>(List.of(previous)));
        chain.setDefaultConfiguration(network.conf().clone());
        chain.setDataType(from.getDataType());
        chain.setTrainingWorkspaceMode(from.getTrainingWorkspaceMode());
        chain.setInferenceWorkspaceMode(from.getInferenceWorkspaceMode());
        chain.setCacheMode(from.getCacheMode());
        chain.setBackpropType(from.getBackpropType());
        chain.setTbpttFwdLength(from.getTbpttFwdLength());
        chain.setTbpttBackLength(from.getTbpttBackLength());
        chain.setValidateOutputLayerConfig(from.isValidateOutputLayerConfig());
        chain.setIterationCount(from.getIterationCount());
        chain.setEpochCount(from.getEpochCount());
        return chain;
    }
}
