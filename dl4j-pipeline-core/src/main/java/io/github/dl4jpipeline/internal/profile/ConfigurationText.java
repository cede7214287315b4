package io.github.dl4jpipeline.internal.profile;

import java.lang.reflect.Array;
import java.lang.reflect.Field;
import java.lang.reflect.InaccessibleObjectException;
import java.lang.reflect.Modifier;
import java.util.Collection;
import java.util.Collections;
import java.util.Comparator;
import java.util.IdentityHashMap;
import java.util.Map;
import java.util.Set;
import java.util.stream.Stream;
import org.jspecify.annotations.Nullable;
import org.nd4j.linalg.learning.config.IUpdater;

/**
 * A configuration as text: classes and values of fields, without what costs no time, such as seeds and rates of learning. It takes
 * milliseconds where writing JSON takes a second, the first time.
 */
final class ConfigurationText {
    private static final Set<String> NO_COST = Set.of("seed", "iterationCount", "epochCount");

    private final Set<Object> seen = Collections.newSetFromMap(new IdentityHashMap<>());
    private final StringBuilder text = new StringBuilder();

    private ConfigurationText() {}

    static String of(Object configuration) {
        ConfigurationText written = new ConfigurationText();
        written.add(configuration);
        return written.text.toString();
    }

    private void add(@Nullable Object value) {
        if (value == null || value instanceof Number || value instanceof Boolean || value instanceof CharSequence) {
            text.append(value).append(';');
        } else if (value instanceof Enum<?> constant) {
            text.append(constant.name()).append(';');
        } else if (value instanceof Collection<?> several) {
            several.forEach(this::add);
            text.append("end;");
        } else if (value instanceof Map<?, ?> map) {
            map.forEach((key, of) -> {
                add(key);
                add(of);
            });
            text.append("end;");
        } else if (value.getClass().isArray()) {
            for (int i = 0; i < Array.getLength(value); i++) {
                add(Array.get(value, i));
            }
            text.append("end;");
        } else {
            addObject(value);
        }
    }

    private void addObject(Object value) {
        Class<?> own = value.getClass();
        text.append(own.getName()).append('{');
        if (!(value instanceof IUpdater) && !own.getName().startsWith("java.") && seen.add(value)) {
            for (Class<?> type = own; type != null && type != Object.class; type = type.getSuperclass()) {
                Stream.of(type.getDeclaredFields())
                        .filter(field -> !Modifier.isStatic(field.getModifiers()))
                        .filter(field -> !Modifier.isTransient(field.getModifiers()))
                        .filter(field -> !NO_COST.contains(field.getName()))
                        .sorted(Comparator.comparing(Field::getName))
                        .forEach(field -> addField(field, value));
            }
        }
        text.append('}');
    }

    private void addField(Field field, Object owner) {
        text.append(field.getName()).append('=');
        try {
            field.setAccessible(true);
            add(field.get(owner));
        } catch (InaccessibleObjectException | IllegalAccessException e) {
            text.append(';'); // a class of the user's in a module that is closed; it is told by its name
        }
    }
}
