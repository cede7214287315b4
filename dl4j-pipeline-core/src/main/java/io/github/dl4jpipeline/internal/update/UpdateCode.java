package io.github.dl4jpipeline.internal.update;

import java.lang.reflect.Method;
import java.util.List;
import org.deeplearning4j.nn.api.Trainable;
import org.deeplearning4j.nn.updater.UpdaterBlock;
import org.nd4j.linalg.learning.config.IUpdater;
import org.nd4j.linalg.learning.regularization.L1Regularization;
import org.nd4j.linalg.learning.regularization.L2Regularization;
import org.nd4j.linalg.learning.regularization.Regularization;
import org.nd4j.linalg.learning.regularization.WeightDecay;
import org.nd4j.linalg.profiler.OpProfiler;
import org.nd4j.linalg.profiler.ProfilerConfig;
import org.nd4j.linalg.schedule.FixedSchedule;
import org.nd4j.linalg.schedule.ISchedule;

/** Knows in which updates nothing runs but ND4J's operations with fixed numbers, and where there is code that may fail. */
public final class UpdateCode {
    private static final Package OF_ND4J = IUpdater.class.getPackage();

    private UpdateCode() {}

    /** Whether the update of a block of parameters may fail half done: by a schedule, a class of users, a check for NaN. */
    public static boolean mayFail(UpdaterBlock block) {
        return checksValues()
                || block.getLayersAndVariablesInBlock().stream()
                        .anyMatch(state -> mayFail(state.getLayer(), state.getParamName()));
    }

    /** The same for one parameter array, but for checks that ND4J makes to find errors. */
    public static boolean mayFail(Trainable layer, String parameter) {
        List<Regularization> terms = ParameterRegularization.of(layer, parameter);
        return mayFail(layer.getConfig().getUpdaterByParam(parameter))
                || terms.stream().anyMatch(UpdateCode::mayFail);
    }

    /** Whether regularization and updater of a block treat each element on its own. */
    public static boolean isElementWise(UpdaterBlock block) {
        return block.getLayersAndVariablesInBlock().stream()
                .allMatch(state -> isOfNd4j(state.getLayer().getConfig().getUpdaterByParam(state.getParamName()))
                        && ParameterRegularization.isElementWise(state));
    }

    private static boolean checksValues() {
        ProfilerConfig config = OpProfiler.getInstance().getConfig();
        return config != null && (config.isCheckForNAN() || config.isCheckForINF());
    }

    private static boolean mayFail(IUpdater updater) {
        return !isOfNd4j(updater) || hasSchedule(updater);
    }

    private static boolean isOfNd4j(IUpdater updater) {
        return OF_ND4J.equals(updater.getClass().getPackage());
    }

    /** An updater has its schedules as properties: of the learning rate, and of momentum. */
    private static boolean hasSchedule(IUpdater updater) {
        for (Method property : updater.getClass().getMethods()) {
            if (property.getReturnType() == ISchedule.class && property.getParameterCount() == 0) {
                try {
                    if (!isFixed((ISchedule) property.invoke(updater))) {
                        return true;
                    }
                } catch (ReflectiveOperationException e) {
                    return true;
                }
            }
        }
        return false;
    }

    private static boolean mayFail(Regularization term) {
        if (term.getClass() == L1Regularization.class) {
            return !isFixed(((L1Regularization) term).getL1());
        }
        if (term.getClass() == L2Regularization.class) {
            return !isFixed(((L2Regularization) term).getL2());
        }
        return term.getClass() != WeightDecay.class || !isFixed(((WeightDecay) term).getCoeff());
    }

    private static boolean isFixed(ISchedule schedule) {
        return schedule == null || schedule.getClass() == FixedSchedule.class;
    }
}
