package io.github.dl4jpipeline.internal.exception;

import java.util.Collection;
import java.util.List;
import org.jspecify.annotations.Nullable;

/** Refuses null by name where users give something: their code need not be checked for it. */
public final class Given {
    private Given() {}

    /**
     * The value itself.
     *
     * @throws IllegalArgumentException for null
     */
    public static <T> T notNull(String name, @Nullable T value) {
        if (value == null) {
            throw new IllegalArgumentException(name + " must not be null");
        }
        return value;
    }

    /**
     * The values, in a list of their own.
     *
     * @throws IllegalArgumentException for null, and for null among the values
     */
    public static <T> List<T> list(String name, @Nullable Collection<? extends @Nullable T> values) {
        for (T value : notNull(name, values)) {
            if (value == null) {
                throw new IllegalArgumentException(name + " must not have null in it, got " + values);
            }
        }
        return List.copyOf(values);
    }
}
