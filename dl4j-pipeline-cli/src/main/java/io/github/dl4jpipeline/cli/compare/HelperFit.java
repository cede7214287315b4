package io.github.dl4jpipeline.cli.compare;

import java.lang.reflect.Field;
import java.util.Map;
import org.deeplearning4j.nn.api.Layer;
import org.deeplearning4j.nn.conf.CacheMode;
import org.deeplearning4j.nn.graph.ComputationGraph;
import org.deeplearning4j.nn.layers.convolution.ConvolutionLayer;
import org.deeplearning4j.nn.layers.convolution.subsampling.SubsamplingLayer;
import org.deeplearning4j.nn.layers.mkldnn.MKLDNNBatchNormHelper;
import org.deeplearning4j.nn.layers.mkldnn.MKLDNNConvHelper;
import org.deeplearning4j.nn.layers.mkldnn.MKLDNNLocalResponseNormalizationHelper;
import org.deeplearning4j.nn.layers.mkldnn.MKLDNNSubsamplingHelper;
import org.deeplearning4j.nn.layers.normalization.BatchNormalization;
import org.deeplearning4j.nn.layers.normalization.LocalResponseNormalization;
import org.nd4j.linalg.api.buffer.DataType;
import org.nd4j.linalg.dataset.DataSet;

/**
 * Deeplearning4j's own {@code fit} with its oneDNN helpers, which release 1.0.0-M2.1 has but never switches on: they are
 * put into the layers by reflection.
 */
record HelperFit(ComputationGraph graph, DataSet batch, int operationThreads, CacheMode cache)
        implements MeasuredSystem {
    static final String NAME = "stock-fit-helpers";

    HelperFit {
        DataType type = graph.getConfiguration().getDataType();
        for (Layer layer : graph.getLayers()) {
            if (layer instanceof ConvolutionLayer && layer.getClass() == ConvolutionLayer.class) {
                setHelper(layer, new MKLDNNConvHelper(type));
            } else if (layer instanceof SubsamplingLayer && layer.getClass() == SubsamplingLayer.class) {
                setHelper(layer, new MKLDNNSubsamplingHelper(type));
            } else if (layer instanceof BatchNormalization) {
                setHelper(layer, new MKLDNNBatchNormHelper(type));
            } else if (layer instanceof LocalResponseNormalization) {
                setHelper(layer, new MKLDNNLocalResponseNormalizationHelper(type));
            }
        }
        graph.setCacheMode(cache);
    }

    private static void setHelper(Layer layer, Object helper) {
        try {
            Field field = layer.getClass().getDeclaredField("helper");
            field.setAccessible(true);
            field.set(layer, helper);
        } catch (ReflectiveOperationException e) {
            throw new IllegalStateException("This release of Deeplearning4j keeps its helpers elsewhere", e);
        }
    }

    @Override
    public String name() {
        return NAME;
    }

    @Override
    public String setting() {
        return "Cache" + (cache == CacheMode.NONE ? "None" : "Device");
    }

    @Override
    public void step() {
        try (OperationThreads ignored = OperationThreads.use(operationThreads)) {
            graph.fit(batch);
        }
    }

    @Override
    public Map<String, Object> details() {
        return Map.of();
    }

    /** Has nothing to end: the garbage collector takes the graph with its arrays. */
    @Override
    public void close() {}
}
