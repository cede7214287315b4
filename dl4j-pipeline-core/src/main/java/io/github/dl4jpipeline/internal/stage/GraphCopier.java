package io.github.dl4jpipeline.internal.stage;

import io.github.dl4jpipeline.device.Device;
import io.github.dl4jpipeline.device.DeviceRuntime;
import io.github.dl4jpipeline.exception.UnsupportedGraphException;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.function.Consumer;
import java.util.function.Function;
import org.deeplearning4j.nn.api.Layer;
import org.deeplearning4j.nn.conf.ComputationGraphConfiguration;
import org.deeplearning4j.nn.graph.ComputationGraph;
import org.deeplearning4j.nn.graph.vertex.GraphVertex;
import org.deeplearning4j.nn.graph.vertex.impl.LayerVertex;
import org.deeplearning4j.nn.layers.FrozenLayer;
import org.deeplearning4j.nn.updater.graph.ComputationGraphUpdater;
import org.jspecify.annotations.Nullable;
import org.nd4j.linalg.api.buffer.DataType;
import org.nd4j.linalg.api.ndarray.INDArray;

/** Makes graphs with layer objects of their own and the parameter arrays of another graph. */
public final class GraphCopier {
    private GraphCopier() {}

    /**
     * A graph with layers of its own that shares the parameter array of {@code original}.
     *
     * <p>The configuration goes through JSON, because {@code clone()} keeps some objects in common, such as the dropout
     * of bidirectional layers, and these hold masks.
     */
    public static ComputationGraph sharingParameters(ComputationGraph original) {
        return copy(original, original.params(), configuration -> {});
    }

    /** The same, with changes to the copy's configuration before its layers are made; parameters must stay the same. */
    public static ComputationGraph sharingParameters(
            ComputationGraph original, Consumer<ComputationGraphConfiguration> changes) {
        return copy(original, original.params(), changes);
    }

    /**
     * A graph with layers of its own, some of which have other parameter arrays than {@code original}.
     *
     * @param parameters by position, of the same length as those of {@code original}; null where these stay
     * @param device where the arrays are
     * @throws UnsupportedGraphException if a vertex that is not a layer has parameters
     */
    static ComputationGraph withParameters(
            ComputationGraph original, List<@Nullable INDArray> parameters, Device device, DeviceRuntime runtime) {
        ComputationGraph copy = unfrozen(original, original.params(), configuration -> {}, ComputationGraph::new);
        for (int position = 0; position < parameters.size(); position++) {
            INDArray own = parameters.get(position);
            if (own != null) {
                int index = copy.topologicalSortOrder()[position];
                runtime.on(device, () -> replaceParameters(copy, index, own));
            }
        }
        freezeAlike(original, copy);
        return copy;
    }

    /**
     * Checks that all parameters can be on devices with their own memory.
     *
     * @throws UnsupportedGraphException if a vertex has parameters without being a layer
     */
    public static void requireParametersOfLayers(ComputationGraph graph) {
        for (GraphVertex vertex : graph.getVertices()) {
            if (vertex.numParams() > 0 && !(vertex instanceof LayerVertex)) {
                throw new UnsupportedGraphException(List.of("vertex '" + vertex.getVertexName() + "' ("
                        + vertex.getClass().getSimpleName()
                        + ") has parameters without being a layer, which cannot be on a device with its own memory;"
                        + " train it on CPU devices"));
            }
        }
    }

    private static Layer replaceParameters(ComputationGraph graph, int index, INDArray parameters) {
        GraphVertex vertex = graph.getVertices()[index];
        String name = vertex.getVertexName();
        ComputationGraphConfiguration configuration = graph.getConfiguration();
        Layer before = vertex.getLayer();
        Layer layer = configuration
                .getVertices()
                .get(name)
                .instantiate(graph, name, index, parameters, false, configuration.getDataType())
                .getLayer();
        layer.setIndex(before.getIndex());
        ((LayerVertex) vertex).setLayer(layer);
        Layer[] layers = graph.getLayers();
        for (int i = 0; i < layers.length; i++) {
            if (layers[i] == before) {
                layers[i] = layer;
            }
        }
        return layer;
    }

    /** A graph that shares nothing with {@code original} and equals it: parameters, updater state, counts, listeners. */
    public static ComputationGraph independent(ComputationGraph original) {
        ComputationGraph copy = copy(original, original.params().dup(), configuration -> {});
        INDArray state = original.getUpdater(true).getStateViewArray();
        copy.setUpdater(new ComputationGraphUpdater(copy, state == null ? null : state.dup()));
        copy.setListeners(new ArrayList<>(original.getListeners()));
        return copy;
    }

    /** A graph with the parameters of {@code original} in another type, and with no updater and no listeners. */
    static ComputationGraph ofType(ComputationGraph original, DataType type) {
        INDArray parameters = original.params();
        boolean same = parameters.dataType() == type;
        return copy(
                original,
                same ? parameters.dup() : parameters.castTo(type),
                configuration -> configuration.setDataType(type));
    }

    private static ComputationGraph copy(
            ComputationGraph original, INDArray parameters, Consumer<ComputationGraphConfiguration> changes) {
        return copy(original, parameters, changes, ComputationGraph::new);
    }

    /** @param maker makes the graph of a configuration */
    static <G extends ComputationGraph> G copy(
            ComputationGraph original,
            INDArray parameters,
            Consumer<ComputationGraphConfiguration> changes,
            Function<ComputationGraphConfiguration, G> maker) {
        G copy = unfrozen(original, parameters, changes, maker);
        freezeAlike(original, copy);
        return copy;
    }

    private static <G extends ComputationGraph> G unfrozen(
            ComputationGraph original,
            INDArray parameters,
            Consumer<ComputationGraphConfiguration> changes,
            Function<ComputationGraphConfiguration, G> maker) {
        ComputationGraphConfiguration from = original.getConfiguration();
        ComputationGraphConfiguration configuration = ComputationGraphConfiguration.fromJson(from.toJson());
        configuration.setTopologicalOrder(original.topologicalSortOrder().clone());
        configuration.setTopologicalOrderStr(topologicalNames(original));
        configuration.setTrainingWorkspaceMode(from.getTrainingWorkspaceMode());
        configuration.setInferenceWorkspaceMode(from.getInferenceWorkspaceMode());
        configuration.setCacheMode(from.getCacheMode());
        changes.accept(configuration);
        G copy = maker.apply(configuration);
        copy.init(parameters.length() > 0 ? parameters : null, false);
        return copy;
    }

    /** Freezes the layers that were frozen by a call, which the configuration does not say. */
    public static void freezeAlike(ComputationGraph original, ComputationGraph copy) {
        for (GraphVertex vertex : original.getVertices()) {
            if (vertex.hasLayer() && vertex.getLayer() instanceof FrozenLayer) {
                copy.getVertex(vertex.getVertexName()).setLayerAsFrozen();
            }
        }
    }

    private static List<String> topologicalNames(ComputationGraph graph) {
        return Arrays.stream(graph.topologicalSortOrder())
                .mapToObj(index -> graph.getVertices()[index].getVertexName())
                .toList();
    }
}
