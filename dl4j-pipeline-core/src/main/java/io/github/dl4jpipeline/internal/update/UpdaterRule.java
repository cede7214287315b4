package io.github.dl4jpipeline.internal.update;

import java.util.List;
import org.nd4j.linalg.learning.AdamUpdater;
import org.nd4j.linalg.learning.NesterovsUpdater;
import org.nd4j.linalg.learning.RmsPropUpdater;
import org.nd4j.linalg.learning.config.Adam;
import org.nd4j.linalg.learning.config.IUpdater;
import org.nd4j.linalg.learning.config.Nesterovs;
import org.nd4j.linalg.learning.config.RmsProp;
import org.nd4j.linalg.learning.config.Sgd;

/**
 * What an updater of Deeplearning4j does to a gradient and its state at one iteration. It is written as loops that a
 * Java virtual machine compiles to vector instructions; ND4J's operations calculate element by element.
 */
@FunctionalInterface
interface UpdaterRule {
    /**
     * Turns the first elements of a gradient into what is to be subtracted from the parameters.
     *
     * @param state an array for each of {@link #stateOf}
     */
    void apply(float[] gradient, float[][] state, int length);

    /** Whether there is a rule for an updater. Those that users derive from Deeplearning4j's have none. */
    static boolean exists(IUpdater updater) {
        Class<?> type = updater.getClass();
        return type == Sgd.class || type == Nesterovs.class || type == RmsProp.class || type == Adam.class;
    }

    /** The names of the state of an updater that has a rule, in the order in which the rule takes it. */
    static List<String> stateOf(IUpdater updater) {
        if (updater instanceof Nesterovs) {
            return List.of(NesterovsUpdater.V_STATE);
        }
        if (updater instanceof RmsProp) {
            return List.of(RmsPropUpdater.G_STATE);
        }
        return updater instanceof Adam ? List.of(AdamUpdater.M_STATE, AdamUpdater.V_STATE) : List.of();
    }

    /** The rule of an updater that has one. */
    static UpdaterRule of(IUpdater updater, int iteration, int epoch) {
        float rate = (float) updater.getLearningRate(iteration, epoch);
        if (updater instanceof Nesterovs nesterovs) {
            float momentum = (float) nesterovs.currentMomentum(iteration, epoch);
            return (gradient, state, length) -> nesterovs(gradient, state[0], length, rate, momentum);
        }
        if (updater instanceof RmsProp rmsProp) {
            float decay = (float) rmsProp.getRmsDecay();
            float epsilon = (float) rmsProp.getEpsilon();
            return (gradient, state, length) -> rmsProp(gradient, state[0], length, rate, decay, epsilon);
        }
        if (updater instanceof Adam adam) {
            float beta1 = (float) adam.getBeta1();
            float beta2 = (float) adam.getBeta2();
            float epsilon = (float) adam.getEpsilon();
            float corrected = corrected(rate, beta1, beta2, epsilon, iteration + 1);
            AdamRates rates = new AdamRates(corrected, beta1, beta2, epsilon);
            return (gradient, state, length) -> adam(gradient, state[0], state[1], length, rates);
        }
        return (gradient, state, length) -> sgd(gradient, length, rate);
    }

    /** Adam's learning rate with the bias of the first steps corrected, in ND4J's precision: of its powers as floats. */
    private static float corrected(float rate, float beta1, float beta2, float epsilon, int step) {
        float power1 = (float) Math.pow(beta1, step);
        float power2 = (float) Math.pow(beta2, step);
        float corrected = (float) (rate * Math.sqrt(1 - power2) / (1 - power1));
        return corrected == 0 || !Float.isFinite(corrected) ? epsilon : corrected;
    }

    private static void sgd(float[] gradient, int length, float rate) {
        for (int i = 0; i < length; i++) {
            gradient[i] *= rate;
        }
    }

    private static void nesterovs(float[] gradient, float[] velocity, int length, float rate, float momentum) {
        for (int i = 0; i < length; i++) {
            float before = momentum * velocity[i];
            float after = before - rate * gradient[i];
            velocity[i] = after;
            gradient[i] = before - (momentum + 1) * after;
        }
    }

    private static void rmsProp(float[] gradient, float[] average, int length, float rate, float decay, float epsilon) {
        for (int i = 0; i < length; i++) {
            float value = gradient[i];
            float square = decay * average[i] + (1 - decay) * value * value;
            average[i] = square;
            gradient[i] = rate * value / ((float) Math.sqrt(square) + epsilon);
        }
    }

    /** What Adam's rule does with every value. */
    record AdamRates(float rate, float beta1, float beta2, float epsilon) {}

    private static void adam(float[] gradient, float[] mean, float[] average, int length, AdamRates rates) {
        float rate = rates.rate();
        float beta1 = rates.beta1();
        float beta2 = rates.beta2();
        float epsilon = rates.epsilon();
        for (int i = 0; i < length; i++) {
            float value = gradient[i];
            float moment = beta1 * mean[i] + (1 - beta1) * value;
            float square = beta2 * average[i] + (1 - beta2) * value * value;
            mean[i] = moment;
            average[i] = square;
            gradient[i] = rate * moment / ((float) Math.sqrt(square) + epsilon);
        }
    }
}
