package io.github.dl4jpipeline.internal.graph;

import java.util.Set;
import org.deeplearning4j.nn.api.MaskState;
import org.deeplearning4j.nn.conf.constraint.MaxNormConstraint;
import org.deeplearning4j.nn.conf.dropout.Dropout;
import org.deeplearning4j.nn.conf.inputs.InputType;
import org.deeplearning4j.nn.conf.layers.ActivationLayer;
import org.deeplearning4j.nn.conf.preprocessor.BaseInputPreProcessor;
import org.deeplearning4j.nn.conf.weightnoise.DropConnect;
import org.deeplearning4j.nn.workspace.ArrayType;
import org.deeplearning4j.nn.workspace.LayerWorkspaceMgr;
import org.nd4j.common.primitives.Pair;
import org.nd4j.linalg.activations.BaseActivationFunction;
import org.nd4j.linalg.activations.IActivation;
import org.nd4j.linalg.api.ndarray.INDArray;
import org.nd4j.linalg.lossfunctions.impl.LossMSE;

/** What a user may have written. Activation function and preprocessor subtract the mean of the batch, so they couple it. */
public final class ForeignParts {
    private ForeignParts() {}

    public static class Activation extends BaseActivationFunction {
        @Override
        public INDArray getActivation(INDArray in, boolean training) {
            return in.subiRowVector(in.mean(0));
        }

        @Override
        public Pair<INDArray, INDArray> backprop(INDArray in, INDArray epsilon) {
            return new Pair<>(epsilon.subRowVector(epsilon.mean(0)), null);
        }

        @Override
        public boolean equals(Object other) {
            return other instanceof Activation;
        }

        @Override
        public int hashCode() {
            return 1;
        }
    }

    /** The same as an enum. */
    public enum EnumActivation implements IActivation {
        CENTRED;

        private static final Activation CODE = new Activation();

        @Override
        public INDArray getActivation(INDArray in, boolean training) {
            return CODE.getActivation(in, training);
        }

        @Override
        public Pair<INDArray, INDArray> backprop(INDArray in, INDArray epsilon) {
            return CODE.backprop(in, epsilon);
        }

        @Override
        public int numParams(int inputSize) {
            return 0;
        }
    }

    public static class Preprocessor extends BaseInputPreProcessor {
        @Override
        public INDArray preProcess(INDArray input, int miniBatchSize, LayerWorkspaceMgr workspaces) {
            return workspaces.leverageTo(ArrayType.ACTIVATIONS, input.subRowVector(input.mean(0)));
        }

        @Override
        public INDArray backprop(INDArray output, int miniBatchSize, LayerWorkspaceMgr workspaces) {
            return workspaces.leverageTo(ArrayType.ACTIVATION_GRAD, output.subRowVector(output.mean(0)));
        }

        @Override
        public InputType getOutputType(InputType inputType) {
            return inputType;
        }

        @Override
        public Pair<INDArray, MaskState> feedForwardMaskArray(INDArray mask, MaskState state, int minibatchSize) {
            return new Pair<>(mask, state);
        }

        @Override
        public Preprocessor clone() {
            return new Preprocessor();
        }

        @Override
        public boolean equals(Object other) {
            return other instanceof Preprocessor;
        }

        @Override
        public int hashCode() {
            return 1;
        }
    }

    /** One that is independent, for which a user may vouch. */
    public static class Loss extends LossMSE {}

    static class Noise extends Dropout {
        Noise() {
            super(0.5);
        }
    }

    static class OfWeights extends DropConnect {
        OfWeights() {
            super(0.5);
        }
    }

    static class Constraint extends MaxNormConstraint {
        Constraint() {
            super(1, Set.of("W"), 1);
        }

        @Override
        public MaxNormConstraint clone() {
            return new Constraint();
        }
    }

    static class Tanh extends ActivationLayer {
        Tanh() {
            super(org.nd4j.linalg.activations.Activation.TANH);
        }
    }
}
