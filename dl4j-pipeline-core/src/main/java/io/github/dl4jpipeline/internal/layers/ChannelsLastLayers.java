package io.github.dl4jpipeline.internal.layers;

import io.github.dl4jpipeline.graph.VertexGraph;
import java.util.List;
import org.deeplearning4j.nn.api.Layer;
import org.deeplearning4j.nn.conf.graph.ElementWiseVertex.Op;
import org.deeplearning4j.nn.conf.preprocessor.CnnToFeedForwardPreProcessor;
import org.deeplearning4j.nn.graph.ComputationGraph;
import org.deeplearning4j.nn.graph.vertex.GraphVertex;
import org.deeplearning4j.nn.graph.vertex.impl.ElementWiseVertex;
import org.deeplearning4j.nn.graph.vertex.impl.LayerVertex;
import org.deeplearning4j.nn.layers.convolution.subsampling.SubsamplingLayer;
import org.deeplearning4j.nn.layers.pooling.GlobalPoolingLayer;
import org.nd4j.linalg.api.buffer.DataType;

/** Has a graph for inference keep its maps as {@link ChannelsLast} says, where all that read them are known to take it. */
public final class ChannelsLastLayers {
    private final ComputationGraph graph;
    private final VertexGraph vertices;
    private final int[] order;
    private final DataType type;

    private ChannelsLastLayers(ComputationGraph graph) {
        this.graph = graph;
        this.vertices = VertexGraph.of(graph);
        this.order = graph.topologicalSortOrder();
        this.type = graph.getConfiguration().getDataType();
    }

    /** Prepares a graph whose layers {@link FastLayers} has replaced; it must not be trained afterwards. */
    public static void prepare(ComputationGraph graph) {
        new ChannelsLastLayers(graph).prepare();
    }

    private void prepare() {
        for (int position = 0; position < order.length; position++) {
            if (!isTakenByReaders(position)) {
                continue;
            }
            GraphVertex vertex = vertex(position);
            if (isAdd(vertex)) {
                graph.getVertices()[order[position]] = new FastAdd(graph, (ElementWiseVertex) vertex);
            } else if (vertex instanceof LayerVertex layerVertex) {
                prepare(layerVertex);
            }
        }
    }

    private void prepare(LayerVertex vertex) {
        Layer layer = vertex.getLayer();
        if (layer instanceof FastConvolution convolution && convolution.canBeChannelsLast()) {
            convolution.putOutChannelsLast();
        } else if (isPooling(layer)) {
            FastPooling pooling = new FastPooling((SubsamplingLayer) layer, type);
            pooling.putOutChannelsLast();
            FastLayers.exchange(graph, vertex, pooling);
        }
    }

    /** Whether all that read a vertex's output, or hand it on as it is in memory, take it in any order. */
    private boolean isTakenByReaders(int position) {
        List<Integer> readers = vertices.consumers(position);
        return !readers.isEmpty()
                && !isNetworkOutput(position)
                && readers.stream().allMatch(this::takes);
    }

    private boolean takes(int position) {
        GraphVertex vertex = vertex(position);
        if (isAdd(vertex)) {
            return isTakenByReaders(position);
        }
        if (!(vertex instanceof LayerVertex layerVertex)) {
            return false;
        }
        if (layerVertex.getLayerPreProcessor() != null) {
            return layerVertex.getLayerPreProcessor().getClass() == CnnToFeedForwardPreProcessor.class;
        }
        Layer layer = layerVertex.getLayer();
        if (layer instanceof FastActivation || layer instanceof FastLrn || isPooling(layer)) {
            return isTakenByReaders(position);
        }
        return layer instanceof FastConvolution || layer.getClass() == GlobalPoolingLayer.class;
    }

    private static boolean isPooling(Layer layer) {
        return layer instanceof FastPooling
                || (layer.getClass() == SubsamplingLayer.class && FastPooling.canReplace((SubsamplingLayer) layer));
    }

    private boolean isAdd(GraphVertex vertex) {
        return vertex instanceof ElementWiseVertex
                && graph.getConfiguration().getVertices().get(vertex.getVertexName())
                        instanceof org.deeplearning4j.nn.conf.graph.ElementWiseVertex configuration
                && configuration.getOp() == Op.Add;
    }

    private boolean isNetworkOutput(int position) {
        return graph.getConfiguration()
                .getNetworkOutputs()
                .contains(vertices.get(position).name());
    }

    private GraphVertex vertex(int position) {
        return graph.getVertices()[order[position]];
    }
}
