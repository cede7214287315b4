package io.github.dl4jpipeline.internal.stage;

import java.lang.reflect.InvocationTargetException;
import java.lang.reflect.Proxy;
import org.deeplearning4j.nn.api.Layer;
import org.deeplearning4j.nn.conf.dropout.IDropout;
import org.deeplearning4j.nn.conf.weightnoise.IWeightNoise;
import org.deeplearning4j.nn.workspace.LayerWorkspaceMgr;
import org.nd4j.linalg.api.buffer.DataType;
import org.nd4j.linalg.api.ndarray.INDArray;

/**
 * Noise for a graph in double that equals that of the same graph in float: it is applied to what is rounded to float, since
 * ND4J's generator gives other numbers for arrays of another type.
 */
final class FloatNoise {
    private FloatNoise() {}

    /** A dropout that applies another one in float. */
    record OfInput(IDropout noise) implements IDropout {
        private static final long serialVersionUID = 1;

        @Override
        public INDArray applyDropout(
                INDArray input, INDArray result, int iteration, int epoch, LayerWorkspaceMgr workspaces) {
            INDArray changed = input.castTo(DataType.FLOAT);
            noise.applyDropout(changed, changed, iteration, epoch, workspaces);
            return result.assign(changed.castTo(result.dataType()));
        }

        @Override
        public INDArray backprop(INDArray errorAtOutput, INDArray errorAtInput, int iteration, int epoch) {
            INDArray output = errorAtOutput.castTo(DataType.FLOAT);
            INDArray input = output.dup();
            noise.backprop(output, input, iteration, epoch);
            return errorAtInput.assign(input.castTo(errorAtInput.dataType()));
        }

        @Override
        public void clear() {
            noise.clear();
        }

        @Override
        @SuppressWarnings("MethodDoesntCallSuperMethod")
        public IDropout clone() {
            return new OfInput(noise.clone());
        }
    }

    /** A weight noise that gets to see the layer's parameters in float. */
    record OfWeights(IWeightNoise noise) implements IWeightNoise {
        private static final long serialVersionUID = 1;

        @Override
        public INDArray getParameter(
                Layer layer, String key, int iteration, int epoch, boolean train, LayerWorkspaceMgr workspaces) {
            DataType type = layer.getParam(key).dataType();
            return noise.getParameter(inFloat(layer), key, iteration, epoch, train, workspaces)
                    .castTo(type);
        }

        private static Layer inFloat(Layer layer) {
            return (Layer) Proxy.newProxyInstance(
                    FloatNoise.class.getClassLoader(), new Class<?>[] {Layer.class}, (proxy, method, arguments) -> {
                        try {
                            Object result = method.invoke(layer, arguments);
                            return method.getName().equals("getParam")
                                    ? ((INDArray) result).castTo(DataType.FLOAT)
                                    : result;
                        } catch (InvocationTargetException e) {
                            throw e.getCause();
                        }
                    });
        }

        @Override
        @SuppressWarnings("MethodDoesntCallSuperMethod")
        public IWeightNoise clone() {
            return new OfWeights(noise.clone());
        }
    }
}
