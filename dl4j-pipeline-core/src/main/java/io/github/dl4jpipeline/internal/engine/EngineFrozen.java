package io.github.dl4jpipeline.internal.engine;

import org.jspecify.annotations.Nullable;

/** A layer that does not learn: it always runs as for inference, and no error passes it. */
final class EngineFrozen extends EngineLayer {
    private final EngineLayer inside;

    EngineFrozen(EngineLayer inside) {
        this.inside = inside;
    }

    @Override
    public @Nullable Value forward(Value[] inputs, boolean training, Space space) {
        return inside.forward(inputs, false, space);
    }

    @Override
    public @Nullable Value[] backward(Value error, boolean[] wanted, boolean postponed, Space space) {
        return new Value[wanted.length];
    }

    @Override
    public void clear() {
        inside.clear();
    }

    @Override
    public void close() {
        super.close();
        inside.close();
    }
}
