package io.github.dl4jpipeline.device;

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
 * Descriptions of the shapes of arrays, which are constant, and here are made once for each shape.
 *
 * <p>ND4J 1.0.0-M2.1 has a cache of them for CPUs, but goes round it whenever an array or a view is made: a buffer with five
 * objects that the garbage collector has to tell of, each entered in a list of the process under a lock. In training
 * ResNet50 on two cores, this took a fifth of the time, most of it in waiting for that lock and in collecting garbage.
 */
final class ShapeCache extends BaseShapeInfoProvider {
    private static final Logger log = LoggerFactory.getLogger(ShapeCache.class);

    /** A process whose arrays are all of different shapes does without; ResNet50 has 600. */
    private static final int MOST_SHAPES = 20_000;

    private final ShapeInfoProvider others;
    private final Map<LongShapeDescriptor, Pair<DataBuffer, long[]>> shapes = new ConcurrentHashMap<>();

    /** @param others makes what is not here */
    ShapeCache(ShapeInfoProvider others) {
        this.others = others;
    }

    /** Has ND4J look here first, from now on and in the whole process, if it runs on CPUs. */
    static synchronized void install() {
        ShapeInfoProvider present = Nd4j.getShapeInfoProvider();
        if (present instanceof ShapeCache || !Nd4j.getEnvironment().isCPU()) {
            return;
        }
        try {
            Field provider = Nd4j.class.getDeclaredField("shapeInfoProvider"); // which no method sets
            provider.setAccessible(true);
            provider.set(null, new ShapeCache(present));
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
        LongShapeDescriptor layout = new LongShapeDescriptor(shape, stride, 0, elementWiseStride, order, options);
        Pair<DataBuffer, long[]> known = shapes.get(layout);
        if (known != null) {
            return known;
        }
        Pair<DataBuffer, long[]> made =
                others.createShapeInformation(shape, stride, elementWiseStride, order, type, empty);
        if (shapes.size() < MOST_SHAPES) {
            shapes.put(layout, made);
        }
        return made;
    }

    @Override
    public Pair<DataBuffer, long[]> createShapeInformation(
            long[] shape, long[] stride, long elementWiseStride, char order, long extras) {
        return others.createShapeInformation(shape, stride, elementWiseStride, order, extras);
    }

    @Override
    public void purgeCache() {
        shapes.clear();
        others.purgeCache();
    }

    @Override
    public long getCachedBytes() {
        return others.getCachedBytes();
    }
}
