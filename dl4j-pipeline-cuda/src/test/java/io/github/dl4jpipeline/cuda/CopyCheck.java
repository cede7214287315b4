package io.github.dl4jpipeline.cuda;

import static org.assertj.core.api.Assertions.assertThat;

import io.github.dl4jpipeline.device.Device;
import io.github.dl4jpipeline.device.DeviceRuntime;
import java.util.Map;
import java.util.function.Supplier;
import java.util.function.UnaryOperator;
import org.nd4j.linalg.api.buffer.DataType;
import org.nd4j.linalg.api.ndarray.INDArray;
import org.nd4j.linalg.factory.Nd4j;
import org.nd4j.linalg.indexing.NDArrayIndex;

/** Copies arrays and parts of arrays from one device to another and compares their elements. */
record CopyCheck(DeviceRuntime runtime, Device from, Device to) {
    private static final Map<String, UnaryOperator<INDArray>> PARTS = Map.of(
            "whole", array -> array,
            "permuted", array -> array.permute(2, 0, 1),
            "first part of the buffer", array -> array.reshape(24).get(NDArrayIndex.interval(0, 6)),
            "later part of the buffer", array -> array.reshape(24).get(NDArrayIndex.interval(6, 18)),
            "column", array -> array.reshape(6, 4).getColumn(2),
            "one element", array -> array.reshape(24).get(NDArrayIndex.interval(5, 6)));

    void run() {
        for (DataType type : new DataType[] {DataType.FLOAT, DataType.DOUBLE}) {
            PARTS.forEach((part, view) -> {
                checkCopyHere(type + ", " + part, () -> view.apply(numbers(type)));
                checkCopy(type + ", " + part, type, view);
            });
            checkCopyHere(type + ", Fortran order", () -> numbers(type).dup('f'));
        }
    }

    /** 1 to 24, on this thread's device. */
    private static INDArray numbers(DataType type) {
        return Nd4j.arange(1, 25).castTo(type).reshape(2, 3, 4);
    }

    private double[] elements(Device device, INDArray array) {
        return runtime.on(device, () -> array.dup('c').data().asDouble());
    }

    private void checkCopyHere(String what, Supplier<INDArray> array) {
        INDArray source = runtime.on(from, array);
        INDArray copy = runtime.on(to, () -> runtime.copyHere(source));
        assertThat(copy.shape()).as(what).isEqualTo(source.shape());
        assertThat(elements(to, copy)).as(what).isEqualTo(elements(from, source));
    }

    /** Into the same part of another array, whose rest stays as it is. */
    private void checkCopy(String what, DataType type, UnaryOperator<INDArray> part) {
        INDArray source = runtime.on(from, () -> part.apply(numbers(type)));
        INDArray whole = runtime.on(to, () -> numbers(type).negi());
        INDArray expected = runtime.on(to, () -> {
            INDArray array = numbers(type).negi();
            part.apply(array).negi();
            return array;
        });
        runtime.copy(source, runtime.on(to, () -> part.apply(whole)));
        assertThat(elements(to, whole)).as(what).isEqualTo(elements(to, expected));
    }
}
