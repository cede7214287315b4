package io.github.dl4jpipeline.internal.spark;

import io.github.dl4jpipeline.internal.stage.MicroBatch;
import java.io.Serializable;
import java.util.Arrays;
import java.util.List;
import org.jspecify.annotations.Nullable;
import org.nd4j.linalg.api.buffer.DataType;
import org.nd4j.linalg.api.ndarray.INDArray;
import org.nd4j.linalg.dataset.api.MultiDataSet;
import org.nd4j.linalg.factory.Nd4j;

/** What the arrays of a batch are like. Of the data themselves nothing leaves the executors. */
record BatchShape(
        List<OfArray> features,
        List<OfArray> labels,
        @Nullable List<OfArray> featureMasks,
        @Nullable List<OfArray> labelMasks)
        implements Serializable {

    /** @param shape null where there is no array */
    private record OfArray(@Nullable List<Long> shape, String type) implements Serializable {
        static OfArray of(@Nullable INDArray array) {
            return array == null
                    ? new OfArray(null, "")
                    : new OfArray(
                            List.copyOf(Arrays.stream(array.shape()).boxed().toList()),
                            array.dataType().name());
        }

        @Nullable INDArray filled(boolean ones) {
            if (shape == null) {
                return null;
            }
            DataType kind = DataType.valueOf(type);
            long[] sizes = shape.stream().mapToLong(Long::longValue).toArray();
            return ones
                    ? Nd4j.ones(kind, sizes)
                    : Nd4j.rand(DataType.FLOAT, sizes).castTo(kind);
        }
    }

    static BatchShape of(MultiDataSet batch) {
        return new BatchShape(
                shapes(batch.getFeatures()),
                shapes(batch.getLabels()),
                batch.getFeaturesMaskArrays() == null ? null : shapes(batch.getFeaturesMaskArrays()),
                batch.getLabelsMaskArrays() == null ? null : shapes(batch.getLabelsMaskArrays()));
    }

    private static List<OfArray> shapes(@Nullable INDArray[] arrays) {
        return Arrays.stream(arrays).map(OfArray::of).toList();
    }

    /** A batch like it, with random numbers below 1, and masks of ones. */
    MicroBatch sample() {
        return MicroBatch.whole(
                arrays(features, false),
                arrays(labels, false),
                featureMasks == null ? null : arrays(featureMasks, true),
                labelMasks == null ? null : arrays(labelMasks, true));
    }

    private static @Nullable INDArray[] arrays(List<OfArray> shapes, boolean ones) {
        return shapes.stream().map(shape -> shape.filled(ones)).toArray(INDArray[]::new);
    }
}
