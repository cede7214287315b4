package io.github.dl4jpipeline.branch;

import io.github.dl4jpipeline.internal.exception.Given;
import java.util.ArrayList;
import java.util.Collection;
import java.util.List;
import java.util.Map;
import org.deeplearning4j.nn.conf.ComputationGraphConfiguration;
import org.deeplearning4j.nn.conf.graph.GraphVertex;
import org.deeplearning4j.nn.conf.graph.LayerVertex;
import org.deeplearning4j.nn.conf.inputs.InputType;
import org.deeplearning4j.nn.conf.inputs.InputType.InputTypeConvolutional;
import org.deeplearning4j.nn.conf.layers.BatchNormalization;
import org.deeplearning4j.nn.conf.layers.ConvolutionLayer;
import org.deeplearning4j.nn.conf.layers.FeedForwardLayer;
import org.deeplearning4j.nn.conf.layers.Layer;

/**
 * What a part of a network costs on its device, for inference of one example.
 *
 * @param parameters trained values; the running statistics of batch normalization are not among them
 * @param parameterBytes bytes of all values that are stored, running statistics included
 * @param activationBytes bytes of all activations, an upper bound of what is held at once
 * @param multiplyAdds of convolutions and dense layers
 */
public record BranchCost(long parameters, long parameterBytes, long activationBytes, long multiplyAdds) {

    public long memoryBytes() {
        return parameterBytes + activationBytes;
    }

    /**
     * The cost of a whole network.
     *
     * @param inputTypes of the network's inputs, in their order
     */
    public static BranchCost of(ComputationGraphConfiguration configuration, InputType... inputTypes) {
        Given.notNull("configuration", configuration);
        return of(configuration, configuration.getVertices().keySet(), outputTypes(configuration, inputTypes));
    }

    /**
     * The costs of the parts of a branched network: those of the branches in their order, and that of what follows them.
     *
     * @param inputTypes of the network's inputs, in their order
     */
    public static List<BranchCost> ofParts(ComputationGraphConfiguration branched, InputType... inputTypes) {
        BranchLayout layout = BranchLayout.of(branched);
        Map<String, InputType> outputs = outputTypes(branched, inputTypes);
        List<BranchCost> costs = new ArrayList<>();
        layout.branches().forEach(branch -> costs.add(of(branched, branch.vertices(), outputs)));
        costs.add(of(branched, layout.head(), outputs));
        return costs;
    }

    /** The copy is because Deeplearning4j adds preprocessors on the way. */
    private static Map<String, InputType> outputTypes(
            ComputationGraphConfiguration configuration, InputType... inputTypes) {
        return Configurations.copy(configuration).getLayerActivationTypes(true, false, inputTypes);
    }

    private static BranchCost of(
            ComputationGraphConfiguration configuration, Collection<String> vertices, Map<String, InputType> outputs) {
        int bytes = configuration.getDataType().width();
        long parameters = 0;
        long stored = 0;
        long activations = 0;
        long multiplyAdds = 0;
        for (String name : vertices) {
            GraphVertex vertex = configuration.getVertices().get(name);
            InputType output = outputs.get(name);
            activations += output.arrayElementsPerExample();
            if (vertex instanceof LayerVertex layerVertex) {
                Layer layer = layerVertex.getLayerConf().getLayer();
                long all = layer.initializer().numParams(layer);
                stored += all;
                parameters += all - runningStatistics(layer);
                multiplyAdds += multiplyAdds(layer, output);
            }
        }
        return new BranchCost(parameters, stored * bytes, activations * bytes, multiplyAdds);
    }

    private static long runningStatistics(Layer layer) {
        return layer instanceof BatchNormalization normalization ? 2 * normalization.getNOut() : 0;
    }

    private static long multiplyAdds(Layer layer, InputType output) {
        if (!LayerNarrowing.isWeighted(layer)) {
            return 0;
        }
        FeedForwardLayer weighted = (FeedForwardLayer) layer;
        long weights = weighted.getNIn() * weighted.getNOut();
        if (layer instanceof ConvolutionLayer convolution && output instanceof InputTypeConvolutional map) {
            int[] kernel = convolution.getKernelSize();
            return weights * kernel[0] * kernel[1] * map.getHeight() * map.getWidth();
        }
        return weights;
    }
}
