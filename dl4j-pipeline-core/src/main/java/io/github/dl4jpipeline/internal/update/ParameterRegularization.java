package io.github.dl4jpipeline.internal.update;

import java.util.List;
import java.util.Set;
import org.deeplearning4j.nn.api.Trainable;
import org.deeplearning4j.nn.updater.UpdaterBlock.ParamState;
import org.nd4j.linalg.learning.regularization.L1Regularization;
import org.nd4j.linalg.learning.regularization.L2Regularization;
import org.nd4j.linalg.learning.regularization.Regularization;
import org.nd4j.linalg.learning.regularization.WeightDecay;

/** The regularization terms of a parameter, as they are at the time. */
final class ParameterRegularization {
    private static final Set<Class<?>> ELEMENT_WISE_REGULARIZATION =
            Set.of(L1Regularization.class, L2Regularization.class, WeightDecay.class);

    private ParameterRegularization() {}

    /** Whether the regularization of now of a parameter has work element by element. */
    static boolean isElementWise(ParamState parameter) {
        return isElementWise(of(parameter.getLayer(), parameter.getParamName()));
    }

    static boolean isElementWise(List<Regularization> terms) {
        return terms.stream().allMatch(term -> ELEMENT_WISE_REGULARIZATION.contains(term.getClass()));
    }

    static List<Regularization> of(Trainable layer, String parameter) {
        List<Regularization> terms = layer.getConfig().getRegularizationByParam(parameter);
        return terms == null ? List.of() : terms;
    }
}
