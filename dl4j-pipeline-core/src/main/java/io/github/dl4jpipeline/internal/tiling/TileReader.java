package io.github.dl4jpipeline.internal.tiling;

import io.github.dl4jpipeline.graph.Vertex;
import io.github.dl4jpipeline.graph.VertexGraph;
import io.github.dl4jpipeline.tile.TileVertex;
import io.github.dl4jpipeline.tile.Window;
import java.util.List;
import java.util.Map;
import org.deeplearning4j.nn.conf.CNN2DFormat;
import org.deeplearning4j.nn.conf.ConvolutionMode;
import org.deeplearning4j.nn.conf.graph.ElementWiseVertex;
import org.deeplearning4j.nn.conf.graph.GraphVertex;
import org.deeplearning4j.nn.conf.graph.LayerVertex;
import org.deeplearning4j.nn.conf.graph.MergeVertex;
import org.deeplearning4j.nn.conf.graph.ScaleVertex;
import org.deeplearning4j.nn.conf.graph.ShiftVertex;
import org.deeplearning4j.nn.conf.layers.ActivationLayer;
import org.deeplearning4j.nn.conf.layers.BatchNormalization;
import org.deeplearning4j.nn.conf.layers.ConvolutionLayer;
import org.deeplearning4j.nn.conf.layers.DropoutLayer;
import org.deeplearning4j.nn.conf.layers.Layer;
import org.deeplearning4j.nn.conf.layers.LocalResponseNormalization;
import org.deeplearning4j.nn.conf.layers.PoolingType;
import org.deeplearning4j.nn.conf.layers.SubsamplingLayer;
import org.deeplearning4j.nn.graph.ComputationGraph;
import org.nd4j.linalg.activations.IActivation;
import org.nd4j.linalg.activations.impl.ActivationIdentity;
import org.nd4j.linalg.activations.impl.ActivationRReLU;
import org.nd4j.linalg.activations.impl.ActivationSoftmax;

/** Reads what each vertex sees of its input, and refuses vertices that a tile cannot run. */
final class TileReader {
    private final Map<String, GraphVertex> configurations;
    private final VertexGraph vertices;

    TileReader(ComputationGraph graph, VertexGraph vertices) {
        this.configurations = graph.getConfiguration().getVertices();
        this.vertices = vertices;
    }

    /** The vertex that a region reads. */
    TileVertex source(int position) {
        return TileVertex.source(vertices.get(position).name(), channels(position));
    }

    /**
     * A vertex of a region.
     *
     * @param region positions of the region's vertices
     */
    TileVertex read(int position, List<Integer> region) {
        Vertex vertex = vertices.get(position);
        List<Integer> inputs = vertex.inputs().stream().map(region::indexOf).toList();
        GraphVertex configuration = configurations.get(vertex.name());
        if (!(configuration instanceof LayerVertex withLayer)) {
            requireTileable(isElementwise(configuration), vertex, "works on more than the values at one place");
            return point(vertex, inputs, channels(position), false);
        }
        requireTileable(
                withLayer.getPreProcessor() == null,
                vertex,
                "has a preprocessor, which may change the shape of its input");
        Layer layer = withLayer.getLayerConf().getLayer();
        if (layer.getClass() == ConvolutionLayer.class) {
            ConvolutionLayer conf = (ConvolutionLayer) layer;
            requireChannelsFirst(conf.getCnn2dDataFormat(), vertex);
            requireElementwise(conf.getActivationFn(), vertex);
            int[] runner = conf.getKernelSize();
            return new TileVertex(
                    vertex.name(),
                    inputs,
                    window(conf, 0),
                    window(conf, 1),
                    (int) conf.getNOut(),
                    conf.getNIn() * runner[0] * runner[1],
                    false);
        }
        if (layer.getClass() == SubsamplingLayer.class) {
            SubsamplingLayer conf = (SubsamplingLayer) layer;
            requireChannelsFirst(conf.getCnn2dDataFormat(), vertex);
            Window rows = window(conf, 0);
            Window columns = window(conf, 1);
            boolean padded = rows.same() || rows.padding() + columns.padding() > 0;
            requireTileable(
                    conf.getPoolingType() != PoolingType.AVG || !padded,
                    vertex,
                    "takes means of padded windows, whose divisor differs at the border; use max pooling or no padding");
            return new TileVertex(vertex.name(), inputs, rows, columns, channels(position), 0, false);
        }
        if (layer instanceof BatchNormalization conf) {
            requireChannelsFirst(conf.getCnn2DFormat(), vertex);
            return point(vertex, inputs, channels(position), true);
        }
        boolean pointwise = layer.getClass() == ActivationLayer.class
                || layer.getClass() == DropoutLayer.class
                || layer.getClass() == LocalResponseNormalization.class;
        requireTileable(pointwise, vertex, "is a " + layer.getClass().getSimpleName());
        if (layer instanceof LocalResponseNormalization conf) {
            requireChannelsFirst(conf.getDataFormat(), vertex);
        } else if (layer instanceof ActivationLayer conf) {
            requireElementwise(conf.getActivationFn(), vertex);
        }
        return point(vertex, inputs, channels(position), false);
    }

    private static TileVertex point(Vertex vertex, List<Integer> inputs, int channels, boolean whole) {
        return new TileVertex(vertex.name(), inputs, Window.POINT, Window.POINT, channels, 0, whole);
    }

    private static boolean isElementwise(GraphVertex vertex) {
        return vertex.getClass() == ElementWiseVertex.class
                || vertex.getClass() == ScaleVertex.class
                || vertex.getClass() == ShiftVertex.class
                || (vertex.getClass() == MergeVertex.class && ((MergeVertex) vertex).getMergeAxis() == 1);
    }

    /** Softmax goes over the columns of a map; RReLU draws numbers for all of it. Of other libraries' nothing is known. */
    private static boolean isElementwise(IActivation activation) {
        return activation.getClass().getPackage().equals(ActivationIdentity.class.getPackage())
                && !(activation instanceof ActivationSoftmax)
                && !(activation instanceof ActivationRReLU);
    }

    private static void requireElementwise(IActivation activation, Vertex vertex) {
        requireTileable(
                isElementwise(activation),
                vertex,
                "has the activation function " + activation + ", which may need the whole map");
    }

    private static void requireChannelsFirst(CNN2DFormat format, Vertex vertex) {
        requireTileable(format == CNN2DFormat.NCHW, vertex, "has the channels last; use CNN2DFormat.NCHW");
    }

    private static void requireTileable(boolean tileable, Vertex vertex, String reason) {
        if (!tileable) {
            throw new IllegalArgumentException("Vertex '" + vertex.name() + "' (" + vertex.type()
                    + ") cannot be run in tiles: it " + reason + ". Begin the tiling after it or end it before");
        }
    }

    private static Window window(ConvolutionLayer conf, int axis) {
        return window(
                conf.getKernelSize(),
                conf.getStride(),
                conf.getPadding(),
                conf.getDilation(),
                conf.getConvolutionMode(),
                axis);
    }

    private static Window window(SubsamplingLayer conf, int axis) {
        return window(
                conf.getKernelSize(),
                conf.getStride(),
                conf.getPadding(),
                conf.getDilation(),
                conf.getConvolutionMode(),
                axis);
    }

    private static Window window(
            int[] runner, int[] stride, int[] padding, int[] dilation, ConvolutionMode mode, int axis) {
        boolean same = mode == ConvolutionMode.Same;
        return new Window(runner[axis], stride[axis], same ? 0 : padding[axis], dilation[axis], same);
    }

    /** Channels of a vertex's output; 0 if they cannot be told, as with an input of a network without convolutions. */
    private int channels(int position) {
        Vertex vertex = vertices.get(position);
        GraphVertex configuration = configurations.get(vertex.name());
        Layer layer =
                configuration instanceof LayerVertex of ? of.getLayerConf().getLayer() : null;
        if (layer instanceof ConvolutionLayer conf && layer.getClass() == ConvolutionLayer.class) {
            return (int) conf.getNOut();
        }
        if (layer instanceof BatchNormalization conf) {
            return (int) conf.getNOut();
        }
        if (vertex.inputs().isEmpty()) {
            return channelsOfInput(position);
        }
        if (configuration instanceof MergeVertex) {
            return vertex.inputs().stream().mapToInt(this::channels).sum();
        }
        return vertex.inputs().stream().mapToInt(this::channels).max().orElse(0);
    }

    /** The channels that the first convolution expects. */
    private int channelsOfInput(int position) {
        for (int reader : vertices.consumers(position)) {
            if (configurations.get(vertices.get(reader).name()) instanceof LayerVertex with) {
                Layer layer = with.getLayerConf().getLayer();
                return layer instanceof ConvolutionLayer conf ? (int) conf.getNIn() : channelsOfInput(reader);
            }
        }
        return 0;
    }

    /** Makes a layer expect the padding in its input. Changes {@code layer}, which must belong to one copy alone. */
    static void removePadding(Layer layer) {
        if (layer instanceof ConvolutionLayer conf) {
            conf.setPadding(new int[] {0, 0});
            conf.setConvolutionMode(ConvolutionMode.Truncate);
        } else if (layer instanceof SubsamplingLayer conf) {
            conf.setPadding(new int[] {0, 0});
            conf.setConvolutionMode(ConvolutionMode.Truncate);
        }
    }

    /** What stands beyond the border of a layer's input. */
    static double paddingOf(GraphVertex configuration) {
        boolean isMaximum = configuration instanceof LayerVertex with
                && with.getLayerConf().getLayer() instanceof SubsamplingLayer conf
                && conf.getPoolingType() == PoolingType.MAX;
        return isMaximum ? Double.NEGATIVE_INFINITY : 0;
    }
}
