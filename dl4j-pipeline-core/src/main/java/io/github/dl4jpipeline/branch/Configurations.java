package io.github.dl4jpipeline.branch;

import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import org.deeplearning4j.nn.conf.ComputationGraphConfiguration;
import org.deeplearning4j.nn.conf.graph.GraphVertex;
import org.deeplearning4j.nn.conf.graph.LayerVertex;

/** Copies graph configurations, and builds new ones with the settings of another. */
final class Configurations {
    private Configurations() {}

    /** A copy that shares no object: it goes through JSON, since {@code clone()} keeps some in common. */
    static ComputationGraphConfiguration copy(ComputationGraphConfiguration original) {
        ComputationGraphConfiguration copy = ComputationGraphConfiguration.fromJson(original.toJson());
        copy.setTrainingWorkspaceMode(original.getTrainingWorkspaceMode());
        copy.setInferenceWorkspaceMode(original.getInferenceWorkspaceMode());
        copy.setCacheMode(original.getCacheMode());
        return copy;
    }

    /** A configuration of other vertices with the settings of {@code settings}, not trained yet. */
    static ComputationGraphConfiguration of(
            ComputationGraphConfiguration settings,
            List<String> inputs,
            Map<String, GraphVertex> vertices,
            Map<String, List<String>> vertexInputs,
            List<String> outputs) {
        ComputationGraphConfiguration built = copy(settings);
        built.setNetworkInputs(new ArrayList<>(inputs));
        built.setVertices(vertices);
        built.setVertexInputs(vertexInputs);
        built.setNetworkOutputs(new ArrayList<>(outputs));
        built.setTopologicalOrder(null);
        built.setTopologicalOrderStr(null);
        built.setIterationCount(0);
        built.setEpochCount(0);
        return built;
    }

    /** Renames the layer of a vertex, which is to be that of the vertex. */
    static GraphVertex named(String name, GraphVertex vertex) {
        if (vertex instanceof LayerVertex layer) {
            layer.getLayerConf().getLayer().setLayerName(name);
        }
        return vertex;
    }
}
