package io.github.dl4jpipeline.internal.engine;

import io.github.dl4jpipeline.internal.onednn.Primitive;
import org.deeplearning4j.nn.workspace.ArrayType;
import org.deeplearning4j.nn.workspace.LayerWorkspaceMgr;
import org.nd4j.linalg.api.buffer.DataType;
import org.nd4j.linalg.api.ndarray.INDArray;
import org.nd4j.linalg.factory.Nd4j;

/** Memory for the floats of a task, in the workspaces of its stage. */
public record Space(LayerWorkspaceMgr workspaces) {
    /** What a forward pass puts out. */
    INDArray activation(long floats) {
        return of(ArrayType.ACTIVATIONS, floats);
    }

    /** What a backward pass leaves for a later task. */
    INDArray kept(long floats) {
        return of(ArrayType.INPUT, floats);
    }

    /** An error. */
    INDArray error(long floats) {
        return of(ArrayType.ACTIVATION_GRAD, floats);
    }

    /** What is read no more when the layer's pass ends. */
    INDArray work(long floats) {
        return of(ArrayType.FF_WORKING_MEM, floats);
    }

    /** The same, beginning at a multiple of {@link Primitive#ALIGNMENT}. */
    INDArray alignedWork(long floats) {
        INDArray more = work(floats + Primitive.ALIGNMENT / Float.BYTES - 1);
        long begin = more.data().addressPointer().address();
        long first = Math.floorMod(-begin, Primitive.ALIGNMENT) / Float.BYTES;
        return Nd4j.create(more.data(), new long[] {floats}, new long[] {1}, first, 'c');
    }

    private INDArray of(ArrayType use, long floats) {
        return workspaces.createUninitialized(use, DataType.FLOAT, new long[] {floats}, 'c');
    }
}
