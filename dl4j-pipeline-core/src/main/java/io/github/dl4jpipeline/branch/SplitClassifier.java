package io.github.dl4jpipeline.branch;

import io.github.dl4jpipeline.exception.UnsplittableGraphException;
import org.deeplearning4j.nn.conf.NeuralNetConfiguration;
import org.deeplearning4j.nn.conf.graph.LayerVertex;
import org.deeplearning4j.nn.conf.layers.BaseLayer;
import org.deeplearning4j.nn.conf.layers.DenseLayer;
import org.deeplearning4j.nn.conf.layers.FeedForwardLayer;
import org.deeplearning4j.nn.conf.layers.LossLayer;
import org.deeplearning4j.nn.conf.layers.OutputLayer;
import org.jspecify.annotations.Nullable;
import org.nd4j.linalg.activations.Activation;
import org.nd4j.linalg.activations.impl.ActivationSoftmax;

/**
 * A classifier of which each branch has a part: the layer for its own classes. An output layer becomes a dense layer in
 * each branch, and one loss layer, with the activation over all classes, where they meet.
 *
 * @param name of the classifier
 * @param classes number of classes in all
 * @param branches number of branches
 * @param loss the loss layer that takes the place of an output layer, or null if the network has one
 */
record SplitClassifier(
        String name, long classes, int branches, @Nullable LayerVertex loss) {

    /**
     * The parts of a classifier.
     *
     * @param whole a copy of the original's vertex
     * @throws UnsplittableGraphException if there are fewer classes than branches, or they cannot be told apart
     */
    static SplitClassifier of(LayerVertex whole, int branches) {
        FeedForwardLayer layer = (FeedForwardLayer) whole.getLayerConf().getLayer();
        String name = layer.getLayerName();
        long classes = layer.getNOut();
        if (classes < branches) {
            throw new UnsplittableGraphException("vertex '" + name + "': its " + classes
                    + " classes cannot be split over " + branches + " branches; let the branches share one classifier");
        }
        if (layer instanceof OutputLayer output) {
            return new SplitClassifier(name, classes, branches, loss(whole.getLayerConf(), output));
        }
        if (layer.getActivationFn() instanceof ActivationSoftmax) {
            throw new UnsplittableGraphException("vertex '" + name + "': its softmax is over all classes and cannot be"
                    + " split; let the branches share one classifier, or move the softmax to the loss layer");
        }
        return new SplitClassifier(name, classes, branches, null);
    }

    private static LayerVertex loss(NeuralNetConfiguration configuration, OutputLayer output) {
        LossLayer loss = new LossLayer.Builder(output.getLossFn()).build();
        copySettings(output, loss);
        loss.setActivationFn(output.getActivationFn());
        loss.setNIn(output.getNOut()); // Deeplearning4j's builder leaves 0, of which its output type then warns
        loss.setNOut(output.getNOut());
        configuration.setLayer(loss);
        return new LayerVertex(configuration, null);
    }

    /** Adds a branch's part: {@code classes / branches} classes, and one more for the first if that leaves a rest. */
    void addTo(BranchBody branch, String input, int index) {
        long own = classes / branches + (index < classes % branches ? 1 : 0);
        LayerVertex vertex = (LayerVertex) branch.vertexOf(name);
        try {
            LayerNarrowing.adapt(vertex.getPreProcessor(), branch.width(input));
            LayerNarrowing.adapt(vertex.getLayerConf().getLayer(), branch.width(input));
        } catch (IllegalArgumentException e) {
            throw new UnsplittableGraphException(name, e);
        }
        if (vertex.getLayerConf().getLayer() instanceof OutputLayer output) {
            vertex.getLayerConf().setLayer(dense(output));
        }
        ((FeedForwardLayer) vertex.getLayerConf().getLayer()).setNOut(own);
        branch.add(name, vertex, new Width(classes, own));
    }

    private static DenseLayer dense(OutputLayer output) {
        DenseLayer dense = new DenseLayer.Builder()
                .nIn(output.getNIn())
                .nOut(output.getNOut())
                .hasBias(output.isHasBias())
                .build();
        copySettings(output, dense);
        dense.setActivationFn(Activation.IDENTITY.getActivationFunction());
        dense.setIDropout(output.getIDropout());
        dense.setConstraints(output.getConstraints());
        return dense;
    }

    private static void copySettings(BaseLayer from, BaseLayer to) {
        to.setWeightInitFn(from.getWeightInitFn());
        to.setBiasInit(from.getBiasInit());
        to.setGainInit(from.getGainInit());
        to.setRegularization(from.getRegularization());
        to.setRegularizationBias(from.getRegularizationBias());
        to.setIUpdater(from.getIUpdater());
        to.setBiasUpdater(from.getBiasUpdater());
        to.setWeightNoise(from.getWeightNoise());
        to.setGradientNormalization(from.getGradientNormalization());
        to.setGradientNormalizationThreshold(from.getGradientNormalizationThreshold());
    }
}
