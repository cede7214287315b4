package io.github.dl4jpipeline.internal.graph;

import java.lang.reflect.Field;
import java.lang.reflect.InaccessibleObjectException;
import java.lang.reflect.Modifier;
import java.util.ArrayList;
import java.util.Collection;
import java.util.Collections;
import java.util.IdentityHashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;
import org.deeplearning4j.nn.api.layers.LayerConstraint;
import org.deeplearning4j.nn.conf.InputPreProcessor;
import org.deeplearning4j.nn.conf.dropout.IDropout;
import org.deeplearning4j.nn.conf.graph.GraphVertex;
import org.deeplearning4j.nn.conf.layers.Layer;
import org.deeplearning4j.nn.conf.weightnoise.IWeightNoise;
import org.jspecify.annotations.Nullable;
import org.nd4j.linalg.activations.IActivation;
import org.nd4j.linalg.api.ndarray.INDArray;
import org.nd4j.linalg.lossfunctions.ILossFunction;

/**
 * Finds what a vertex is made of, wherever it stands in the vertex's configuration: layers in wrappers, preprocessors in
 * preprocessors, activation functions of gates, and so on.
 */
final class ConfigurationParts {
    /** What may compute with activations. Updaters, schedules and initial weights never see a batch. */
    static final List<Class<?>> KINDS = List.of(
            GraphVertex.class,
            Layer.class,
            InputPreProcessor.class,
            IActivation.class,
            ILossFunction.class,
            IDropout.class,
            IWeightNoise.class,
            LayerConstraint.class);

    private final Set<Object> seen = Collections.newSetFromMap(new IdentityHashMap<>());
    private final List<Object> parts = new ArrayList<>();

    private ConfigurationParts() {}

    /** The parts of a configuration, itself included, outer ones before inner ones. */
    static List<Object> of(Collection<?> configurations) {
        ConfigurationParts found = new ConfigurationParts();
        configurations.forEach(found::visit);
        return found.parts;
    }

    static boolean isPart(Class<?> type) {
        return KINDS.stream().anyMatch(kind -> kind.isAssignableFrom(type));
    }

    private void visit(@Nullable Object value) {
        if (value instanceof Collection<?> several) {
            several.forEach(this::visit);
        } else if (value instanceof Map<?, ?> map) {
            map.values().forEach(this::visit);
        } else if (value instanceof Object[] array) {
            for (Object element : array) {
                visit(element);
            }
        } else if (value != null && !(value instanceof INDArray)) {
            visitObject(value);
        }
    }

    private void visitObject(Object value) {
        boolean isPart = isPart(value.getClass());
        boolean isSetting = value instanceof Enum; // of Deeplearning4j's, which has nothing in it
        if ((isPart || (isConfiguration(value.getClass()) && !isSetting)) && seen.add(value)) {
            if (isPart) {
                parts.add(value);
            }
            for (Class<?> type = value.getClass(); type != Object.class; type = type.getSuperclass()) {
                for (Field field : type.getDeclaredFields()) {
                    if (!Modifier.isStatic(field.getModifiers())
                            && !field.getType().isPrimitive()) {
                        visit(read(field, value));
                    }
                }
            }
        }
    }

    private static boolean isConfiguration(Class<?> type) {
        return type.getName().startsWith("org.deeplearning4j.nn.")
                || type.getName().startsWith("org.nd4j.linalg.");
    }

    private static @Nullable Object read(Field field, Object owner) {
        try {
            field.setAccessible(true);
            return field.get(owner);
        } catch (InaccessibleObjectException | IllegalAccessException e) {
            return null; // a class of the user's in a module that is closed; it is told by its own name
        }
    }
}
