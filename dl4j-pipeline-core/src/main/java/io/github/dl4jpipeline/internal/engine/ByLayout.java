package io.github.dl4jpipeline.internal.engine;

import io.github.dl4jpipeline.internal.onednn.Layout;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.function.Function;
import org.jspecify.annotations.Nullable;

/**
 * The primitives of a layer, for each layout that its input comes in. Few are kept: those of the usual micro-batches and of the
 * last ones.
 */
final class ByLayout<T extends AutoCloseable> {
    private static final int MOST = 4;

    private final Map<Layout, T> made = new LinkedHashMap<>();
    private final Map<Layout, Boolean> impossible = new LinkedHashMap<>();

    /**
     * The primitives for a layout.
     *
     * @param maker makes them; null if that is not possible
     */
    @Nullable T get(Layout input, Function<Layout, @Nullable T> maker) {
        T known = made.get(input);
        if (known != null || impossible.containsKey(input)) {
            return known;
        }
        T next = maker.apply(input);
        if (next == null) {
            impossible.put(input, true);
            return null;
        }
        if (made.size() == MOST) {
            Layout oldest = made.keySet().iterator().next();
            close(made.remove(oldest));
        }
        made.put(input, next);
        return next;
    }

    void close() {
        made.values().forEach(ByLayout::close);
        made.clear();
        impossible.clear();
    }

    private static void close(AutoCloseable primitives) {
        try {
            primitives.close();
        } catch (Exception e) {
            throw new IllegalStateException(e);
        }
    }
}
