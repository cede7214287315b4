package io.github.dl4jpipeline.internal.engine;

import java.util.function.Function;
import org.jspecify.annotations.Nullable;
import org.nd4j.linalg.api.ndarray.INDArray;

/** A layer that sees its inputs in another shape, and whose output is seen in another one. */
final class EngineReshaped extends EngineAround {
    private final Reshaping ofInputs;
    private final Reshaping ofOutput;
    private final @Nullable PackedWeights inspector;

    /** The ways back, for errors. */
    private @Nullable Reshaping inputsBack;

    private @Nullable Reshaping outputBack;

    EngineReshaped(Reshaping ofInputs, EngineLayer inside, Reshaping ofOutput) {
        this(ofInputs, inside, ofOutput, null);
    }

    /** @param inspector sees what layers of rows and of sequences have put out, among which may be NaN; null if the layer may */
    EngineReshaped(Reshaping ofInputs, EngineLayer inside, Reshaping ofOutput, @Nullable PackedWeights inspector) {
        super(inside);
        this.ofInputs = ofInputs;
        this.ofOutput = ofOutput;
        this.inspector = inspector;
    }

    @Override
    public @Nullable Value forward(Value[] inputs, boolean training, Space space) {
        return forward(inputs, seen -> inside().forward(seen, training, space), space);
    }

    @Override
    public @Nullable Value forward(Value[] inputs, INDArray mask, boolean training, Space space) {
        return forward(inputs, seen -> inside().forward(seen, mask, training, space), space);
    }

    @Override
    public @Nullable Value forward(Value[] inputs, @Nullable INDArray mask, CarriedState state, Space space) {
        return forward(inputs, seen -> inside().forward(seen, mask, state, space), space);
    }

    private @Nullable Value forward(Value[] inputs, Function<Value[], @Nullable Value> pass, Space space) {
        Value[] seen = new Value[inputs.length];
        for (int i = 0; i < inputs.length; i++) {
            Value reshaped = ofInputs.apply(inputs[i], reorders(), space, space::activation);
            if (reshaped == null) {
                return null;
            }
            seen[i] = reshaped;
            if (inspector != null && !reshaped.isArray()) {
                inspector.inspect(reshaped.values());
            }
        }
        Value output = pass.apply(seen);
        if (output == null) {
            return null;
        }
        inputsBack = ofInputs.back(inputs[0].shape());
        outputBack = ofOutput.back(output.shape());
        return ofOutput.apply(output, reorders(), space, space::activation);
    }

    @Override
    public @Nullable Value[] backward(Value error, boolean[] wanted, boolean postponed, Space space) {
        Reshaping ofError = outputBack;
        Reshaping ofErrors = inputsBack;
        if (ofError == null || ofErrors == null) {
            throw new IllegalStateException("Backward pass without a forward pass before it");
        }
        Value ofInside = ofError.apply(error, reorders(), space, space::error);
        @Nullable Value[] errors = inside().backward(ofInside, wanted, postponed, space);
        for (int i = 0; i < errors.length; i++) {
            Value own = errors[i];
            errors[i] = own == null ? null : ofErrors.apply(own, reorders(), space, space::error);
        }
        return errors;
    }

    @Override
    public void clear() {
        super.clear();
        inputsBack = null;
        outputBack = null;
    }
}
