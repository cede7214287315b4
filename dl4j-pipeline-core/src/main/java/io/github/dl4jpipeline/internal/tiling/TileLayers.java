package io.github.dl4jpipeline.internal.tiling;

import io.github.dl4jpipeline.graph.VertexGraph;
import io.github.dl4jpipeline.internal.layers.FastLayers;
import io.github.dl4jpipeline.internal.layers.KernelChoice;
import io.github.dl4jpipeline.internal.stage.GraphCopier;
import io.github.dl4jpipeline.internal.stage.MicroBatch;
import io.github.dl4jpipeline.internal.stage.Noise;
import io.github.dl4jpipeline.internal.stage.NoiseSource;
import io.github.dl4jpipeline.internal.stage.TilePlace;
import io.github.dl4jpipeline.internal.stage.VertexRunner;
import io.github.dl4jpipeline.tile.Patch;
import io.github.dl4jpipeline.tile.TilePart;
import io.github.dl4jpipeline.tile.TileTask;
import java.util.List;
import org.deeplearning4j.nn.api.Layer;
import org.deeplearning4j.nn.conf.graph.LayerVertex;
import org.deeplearning4j.nn.graph.ComputationGraph;
import org.jspecify.annotations.Nullable;
import org.nd4j.linalg.api.buffer.DataType;

/** The layers of a lane, which take their padding as part of their input. Vertices are indices in the region. */
final class TileLayers {
    private final ComputationGraph graph;
    private final NoiseSource noise;
    private final VertexRunner[] runners;
    private final boolean[] runsBackward;
    private final double[] paddings;

    /** @param original an initialised graph; its parameters are shared, nothing else */
    TileLayers(ComputationGraph original, TiledRegion region, KernelChoice code) {
        VertexGraph vertices = VertexGraph.of(original);
        List<String> names = region.positions().stream()
                .map(position -> vertices.get(position).name())
                .toList();
        graph = GraphCopier.sharingParameters(
                original, configuration -> names.subList(1, names.size()).forEach(vertex -> {
                    if (configuration.getVertices().get(vertex) instanceof LayerVertex with) {
                        TileReader.removePadding(with.getLayerConf().getLayer());
                    }
                }));
        FastLayers.replaceIn(graph, code);
        noise = new NoiseSource(graph.conf().getSeed());
        runners = new VertexRunner[names.size()];
        runsBackward = region.runsBackward(vertices);
        paddings = new double[names.size()];
        for (int i = 1; i < runners.length; i++) {
            String name = names.get(i);
            boolean inputErrors = vertices.hasInputErrors(region.positions().get(i));
            runners[i] = new VertexRunner(graph.getVertex(name), inputErrors);
            paddings[i] = TileReader.paddingOf(
                    original.getConfiguration().getVertices().get(name));
            Layer layer = layer(i);
            if (layer != null) {
                Noise.replaceIn(layer.conf().getLayer(), name, noise);
                layer.allowInputModification(false);
            }
        }
    }

    /** Takes up a new micro-batch. */
    void begin(MicroBatch microBatch, int iteration, int epoch) {
        noise.begin(iteration, microBatch);
        for (Layer layer : graph.getLayers()) {
            layer.setIterationCount(iteration);
            layer.setEpochCount(epoch);
        }
    }

    /** Before a pass of a vertex: its noise is that of the part of the map that it reads. */
    void prepareNoise(TileTask task, TilePart part) {
        Patch patch = part.inputs().get(0);
        noise.place(new TilePlace(patch, task.geometry().map(patch.vertex())));
        noise.seedForMicroBatch(runners[part.vertex()].vertex().getVertexName());
    }

    /** By vertex; none for the first, which the region only reads. */
    VertexRunner[] runners() {
        return runners;
    }

    boolean runsBackward(int vertex) {
        return runsBackward[vertex];
    }

    @Nullable Layer layer(int vertex) {
        return runners[vertex].vertex().getLayer();
    }

    /** What stands beyond the border of the map that a vertex reads. */
    double padding(int vertex) {
        return paddings[vertex];
    }

    DataType parameterType() {
        return graph.params().dataType();
    }
}
