package io.github.dl4jpipeline.internal.engine;

import java.util.List;
import java.util.Map;
import org.deeplearning4j.nn.gradient.DefaultGradient;
import org.deeplearning4j.nn.gradient.Gradient;
import org.jspecify.annotations.Nullable;
import org.nd4j.linalg.api.ndarray.INDArray;

/** Parts of one layer, each of which reads what the one before puts out. The first has parameters. */
final class EngineChain extends EngineLayer {
    private static final boolean[] WANTED = {true};

    private final EngineLayer first;
    private final List<EngineLayer> others;

    EngineChain(EngineLayer first, EngineLayer... others) {
        this.first = first;
        this.others = List.of(others);
    }

    @Override
    public @Nullable Value forward(Value[] inputs, boolean training, Space space) {
        Value value = first.forward(inputs, training, space);
        for (EngineLayer part : others) {
            if (value == null) {
                return null;
            }
            value = part.forward(new Value[] {value}, training, space);
        }
        return value;
    }

    @Override
    public @Nullable Value[] backward(Value error, boolean[] wanted, boolean postponed, Space space) {
        Value own = error;
        for (int i = others.size() - 1; i >= 0; i--) {
            own = others.get(i).backward(own, WANTED, postponed, space)[0];
        }
        return first.backward(own, wanted, postponed, space);
    }

    @Override
    public boolean hasGradient() {
        return true;
    }

    @Override
    public Gradient gradient(Map<String, INDArray> views, boolean add, Space space) {
        return withOthers(first.gradient(views, add, space), views, add, space);
    }

    @Override
    public Gradient gradient(Map<String, INDArray> views, GradientRows rows, GradientTurn turn, Space space) {
        boolean add = rows.isWritten();
        Gradient ofFirst = first.gradient(views, rows, turn, space);
        if (!rows.isWritten()) { // all is left; what follows is added to this and to what the others write
            ofFirst.gradientForVariable().values().forEach(view -> view.assign(0));
            rows.write();
        }
        return withOthers(ofFirst, views, add, space);
    }

    private Gradient withOthers(Gradient ofFirst, Map<String, INDArray> views, boolean add, Space space) {
        Gradient all = new DefaultGradient();
        addTo(all, ofFirst);
        for (EngineLayer part : others) {
            if (part.hasGradient()) {
                addTo(all, part.gradient(views, add, space));
            }
        }
        return all;
    }

    private static void addTo(Gradient all, Gradient own) {
        own.gradientForVariable()
                .forEach((name, array) -> all.setGradientFor(name, array, own.flatteningOrderForVariable(name)));
    }

    @Override
    public void finish(Map<String, INDArray> views, GradientRows rows, Space space) {
        first.finish(views, rows, space);
    }

    @Override
    public void clear() {
        first.clear();
        others.forEach(EngineLayer::clear);
    }

    @Override
    public void close() {
        super.close();
        first.close();
        others.forEach(EngineLayer::close);
    }
}
