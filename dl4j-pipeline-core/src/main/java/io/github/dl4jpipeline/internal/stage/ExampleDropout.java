package io.github.dl4jpipeline.internal.stage;

import java.util.ArrayList;
import java.util.List;
import org.deeplearning4j.nn.conf.dropout.Dropout;
import org.deeplearning4j.nn.conf.dropout.IDropout;
import org.deeplearning4j.nn.conf.dropout.SpatialDropout;
import org.deeplearning4j.nn.workspace.LayerWorkspaceMgr;
import org.nd4j.linalg.api.ndarray.INDArray;
import org.nd4j.linalg.factory.Nd4j;

/**
 * Applies a dropout to each example on its own, with the example's own seed. So an example meets the same mask in
 * whatever micro-batch it comes.
 *
 * <p>A layer may see several rows of an example, as a dense layer does with time steps. Those of example {@code i} of
 * {@code n} are the rows {@code i, i + n, i + 2n, …}: so Deeplearning4j's recurrent preprocessors lay them out.
 *
 * <p>In a tile it is applied to a whole map that is zero elsewhere, so that a mask does not depend on the tiles.
 */
final class ExampleDropout implements IDropout {
    private static final long serialVersionUID = 1;

    private final transient NoiseSource noise;
    private final String vertex;
    private final IDropout prototype;
    private final List<IDropout> ofExample = new ArrayList<>();

    ExampleDropout(IDropout prototype, String vertex, NoiseSource noise) {
        this.prototype = prototype;
        this.vertex = vertex;
        this.noise = noise;
    }

    /** Whether it sets some elements to zero and scales all others alike. */
    boolean isMask() {
        return prototype instanceof Dropout || prototype instanceof SpatialDropout;
    }

    @Override
    public INDArray applyDropout(
            INDArray input, INDArray result, int iteration, int epoch, LayerWorkspaceMgr workspaces) {
        int examples = examplesIn(input);
        while (ofExample.size() < examples) {
            ofExample.add(prototype.clone());
        }
        for (int i = 0; i < examples; i++) {
            noise.seedForExample(vertex, i);
            // In row-major order, the generator's n-th number falls on the same element whatever the layout here.
            INDArray target = rows(result, i, examples);
            INDArray source = rows(input, i, examples);
            TilePlace place = noise.place();
            INDArray from = place == null ? source.dup('c') : place.spread(source);
            INDArray changed = ofExample.get(i).applyDropout(from, from, iteration, epoch, workspaces);
            if (place == null) {
                target.assign(changed);
            } else {
                target.assign(source); // padding stays as it is
                place.cut(changed, target);
            }
        }
        return result;
    }

    @Override
    public INDArray backprop(INDArray errorAtOutput, INDArray errorAtInput, int iteration, int epoch) {
        int examples = examplesIn(errorAtOutput);
        for (int i = 0; i < examples; i++) {
            INDArray output = rows(errorAtOutput, i, examples);
            INDArray target = rows(errorAtInput, i, examples);
            TilePlace place = noise.place();
            if (place == null) {
                ofExample.get(i).backprop(output, target, iteration, epoch);
            } else {
                INDArray whole = place.spread(output);
                place.cut(ofExample.get(i).backprop(whole, whole, iteration, epoch), target);
            }
        }
        return errorAtInput;
    }

    private int examplesIn(INDArray array) {
        long rows = array.size(0);
        return (int) (rows % noise.examples() == 0 ? noise.examples() : rows);
    }

    /** A view of every {@code step}-th row from {@code first}. */
    private static INDArray rows(INDArray array, long first, long step) {
        long[] shape = array.shape().clone();
        long[] stride = array.stride().clone();
        long offset = array.offset() + first * stride[0];
        shape[0] /= step;
        stride[0] *= step;
        return Nd4j.create(array.data(), shape, stride, offset, array.ordering());
    }

    @Override
    public void clear() {
        ofExample.forEach(IDropout::clear);
    }

    @Override
    @SuppressWarnings("MethodDoesntCallSuperMethod")
    public IDropout clone() {
        return new ExampleDropout(prototype.clone(), vertex, noise);
    }
}
