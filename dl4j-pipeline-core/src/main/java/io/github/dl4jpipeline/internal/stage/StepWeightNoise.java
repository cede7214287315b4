package io.github.dl4jpipeline.internal.stage;

import org.deeplearning4j.nn.api.Layer;
import org.deeplearning4j.nn.conf.weightnoise.IWeightNoise;
import org.deeplearning4j.nn.workspace.LayerWorkspaceMgr;
import org.nd4j.linalg.api.ndarray.INDArray;

/** Applies the same weight noise in every micro-batch of a step. */
final class StepWeightNoise implements IWeightNoise {
    private static final long serialVersionUID = 1;

    private final transient NoiseSource noise;
    private final String vertex;
    private final IWeightNoise noiseOfLayer;

    StepWeightNoise(IWeightNoise noiseOfLayer, String vertex, NoiseSource noise) {
        this.noiseOfLayer = noiseOfLayer;
        this.vertex = vertex;
        this.noise = noise;
    }

    @Override
    public INDArray getParameter(
            Layer layer, String key, int iteration, int epoch, boolean train, LayerWorkspaceMgr workspaces) {
        noise.seedForStep(vertex, key);
        return noiseOfLayer.getParameter(layer, key, iteration, epoch, train, workspaces);
    }

    @Override
    @SuppressWarnings("MethodDoesntCallSuperMethod")
    public IWeightNoise clone() {
        return new StepWeightNoise(noiseOfLayer.clone(), vertex, noise);
    }
}
