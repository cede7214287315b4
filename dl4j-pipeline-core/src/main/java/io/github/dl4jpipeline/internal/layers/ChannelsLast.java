package io.github.dl4jpipeline.internal.layers;

import org.deeplearning4j.nn.workspace.ArrayType;
import org.deeplearning4j.nn.workspace.LayerWorkspaceMgr;
import org.nd4j.linalg.api.ndarray.INDArray;

/**
 * Maps {@code [examples, channels, height, width]} whose memory is in the order examples, height, width, channels.
 *
 * <p>oneDNN computes convolutions on blocks of channels, and takes less time to make these of channels that are side by
 * side; for one example and few channels that time is as long as the convolution.
 */
final class ChannelsLast {
    private ChannelsLast() {}

    /** Whether an array is in this order in memory, without gaps. */
    static boolean is(INDArray array) {
        if (array.rank() != 4) {
            return false;
        }
        long channels = array.size(1);
        return array.stride(1) == 1
                && array.stride(3) == channels
                && array.stride(2) == channels * array.size(3)
                && array.stride(0) == channels * array.size(3) * array.size(2);
    }

    /** The view {@code [examples, height, width, channels]} of maps. */
    static INDArray view(INDArray maps) {
        return maps.permute(0, 2, 3, 1);
    }

    /** The view without gaps in memory; a copy of maps in another order. oneDNN's convolutions fail on views with gaps. */
    static INDArray packedView(INDArray maps, LayerWorkspaceMgr workspaces) {
        return is(maps) ? view(maps) : workspaces.dup(ArrayType.FF_WORKING_MEM, view(maps), 'c');
    }

    /** The maps in the usual order; a copy if they are channels last. */
    static INDArray channelsFirst(INDArray maps, LayerWorkspaceMgr workspaces) {
        return is(maps) ? workspaces.dup(ArrayType.FF_WORKING_MEM, maps, 'c') : maps;
    }

    /** The maps of a {@link #view}. */
    static INDArray maps(INDArray view) {
        return view.permute(0, 3, 1, 2);
    }

    /** A view of an array whose elements are in the order of the memory, in which element-wise operations are fast. */
    static INDArray inOrder(INDArray array) {
        return is(array) ? view(array) : array;
    }

    /** The inverse of {@link #inOrder}: what was computed from it, in the shape of the array. */
    static INDArray like(INDArray array, INDArray result) {
        return is(array) ? maps(result) : result;
    }
}
