package io.github.dl4jpipeline.internal.device;

import java.lang.reflect.Field;
import java.util.Map;
import java.util.concurrent.ConcurrentHashMap;
import org.nd4j.common.primitives.Pair;
import org.nd4j.linalg.api.buffer.DataBuffer;
import org.nd4j.linalg.api.buffer.DataType;
import org.nd4j.linalg.api.ndarray.BaseShapeInfoProvider;
import org.nd4j.linalg.api.ndarray.ShapeInfoProvider;
import org.nd4j.linalg.api.shape.LongShapeDescriptor;
import org.nd4j.linalg.api.shape.options.ArrayOptionsHelper;
import org.nd4j.linalg.factory.Nd4j;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Descriptions of the shapes of arrays. They are constant, and are made once for each shape.
 *
 * <p>ND4J 1.0.0-M2.1 has such a cache for CPUs, but does not use it for arrays and views. For each of them it makes a
 * native buffer and five objects that are registered under a lock of the whole process.
 */
final class ShapeCache extends BaseShapeInfoProvider {
    private static final Logger log = LoggerFactory.getLogger(ShapeCache.class);

    /** After so many all are made anew; ResNet50 has 600. */
    static final int MOST_SHAPES = 20_000;

    private static boolean tried;

    private final ShapeInfoProvider original;
    private final Map<LongShapeDescriptor, Pair<DataBuffer, long[]>> shapes = new ConcurrentHashMap<>();

    /** @param original makes what is not here */
    ShapeCache(ShapeInfoProvider original) {
        this.original = original;
    }

    /** Has ND4J look here first, from now on and in the whole process. */
    static synchronized void install() {
        if (tried) {
            return;
        }
        tried = true;
        try {
            Field provider = Nd4j.class.getDeclaredField("shapeInfoProvider"); // which no method sets
            provider.setAccessible(true);
            provider.set(null, new ShapeCache(Nd4j.getShapeInfoProvider()));
        } catch (ReflectiveOperationException | RuntimeException e) {
            log.warn("Shapes of arrays are not cached, which makes training slower: {}", e.toString());
        }
    }

    @Override
    public Pair<DataBuffer, long[]> createShapeInformation(
            long[] shape, long[] stride, long elementWiseStride, char order, DataType type, boolean empty) {
        long options = ArrayOptionsHelper.setOptionBit(0L, type);
        if (empty) {
            options |= ArrayOptionsHelper.ATYPE_EMPTY_BIT;
        }
        LongShapeDescriptor key = new LongShapeDescriptor(shape, stride, 0, elementWiseStride, order, options);
        Pair<DataBuffer, long[]> known = shapes.get(key);
        if (known != null) {
            return known;
        }
        Pair<DataBuffer, long[]> made =
                original.createShapeInformation(shape, stride, elementWiseStride, order, type, empty);
        if (shapes.size() >= MOST_SHAPES) {
            shapes.clear(); // arrays keep theirs
        }
        shapes.put(key, made);
        return made;
    }

    @Override
    public Pair<DataBuffer, long[]> createShapeInformation(
            long[] shape, long[] stride, long elementWiseStride, char order, long extras) {
        return original.createShapeInformation(shape, stride, elementWiseStride, order, extras);
    }

    @Override
    public void purgeCache() {
        shapes.clear();
        original.purgeCache();
    }

    @Override
    public long getCachedBytes() {
        return original.getCachedBytes();
    }
}
