package io.github.dl4jpipeline.internal.memory;

import io.github.dl4jpipeline.internal.device.WholeProcess;
import io.github.dl4jpipeline.internal.update.ParallelUpdate;
import io.github.dl4jpipeline.internal.update.StateBackup;
import java.util.List;
import java.util.function.Consumer;
import org.deeplearning4j.nn.gradient.Gradient;
import org.deeplearning4j.nn.graph.ComputationGraph;
import org.deeplearning4j.nn.updater.graph.ComputationGraphUpdater;
import org.deeplearning4j.nn.workspace.LayerWorkspaceMgr;
import org.deeplearning4j.optimize.api.StepFunction;
import org.deeplearning4j.optimize.stepfunctions.NegativeGradientStepFunction;
import org.deeplearning4j.optimize.stepfunctions.StepFunctions;
import org.jspecify.annotations.Nullable;
import org.nd4j.linalg.api.ndarray.INDArray;

/** Parameters, gradients and updater state in the host's arrays, where the stages use them. There is nothing to gather. */
public final class HostParameters implements ParameterMemory {
    private final ComputationGraph graph;
    private final Consumer<Runnable> threads;
    private @Nullable ParallelUpdate parallelUpdate;

    /** @param threads runs the same work in several threads at once, or in none, and waits */
    public HostParameters(ComputationGraph graph, Consumer<Runnable> threads) {
        this.graph = graph;
        this.threads = threads;
    }

    @Override
    public double regularization() {
        return parallelUpdate().regularization();
    }

    @Override
    public void update(LayerWorkspaceMgr workspaces) {
        Gradient gradient = graph.gradient();
        ParallelUpdate parallel = parallelUpdate();
        if (parallel.isOf(gradient.gradient())) {
            // Operations on few numbers are done by one thread before another has begun.
            try (WholeProcess.Limit ignored = parallel.isSmall() ? WholeProcess.limitThreads(1) : null) {
                update(parallel, gradient.gradient());
            }
        } else {
            update(gradient, workspaces);
        }
    }

    private void update(ParallelUpdate parallel, INDArray gradient) {
        StepFunction step = step();
        boolean subtract = step.getClass() == NegativeGradientStepFunction.class;
        try {
            parallel.update(graph.getIterationCount(), graph.getEpochCount(), graph.batchSize(), subtract);
            if (subtract) {
                parallel.finish();
            } else {
                apply(step, gradient);
                parallel.commit();
            }
        } catch (Throwable failure) {
            parallel.takeBack();
            throw failure;
        }
    }

    /** Deeplearning4j's own update, for gradients that are not in the updater's array. */
    private void update(Gradient gradient, LayerWorkspaceMgr workspaces) {
        ComputationGraphUpdater updater = graph.getUpdater(true);
        INDArray state = updater.getStateViewArray();
        StateBackup backup = new StateBackup(state == null ? List.of() : List.of(state));
        backup.keep();
        try {
            updater.update(gradient, graph.getIterationCount(), graph.getEpochCount(), graph.batchSize(), workspaces);
            apply(step(), gradient.gradient());
            backup.commit();
        } finally {
            backup.takeBack();
            backup.close();
        }
    }

    /** What the configuration names, or else what gradient descent does. */
    private StepFunction step() {
        StepFunction chosen = StepFunctions.createStepFunction(graph.conf().getStepFunction());
        return chosen == null ? new NegativeGradientStepFunction() : chosen;
    }

    private void apply(StepFunction step, INDArray update) {
        step.step(graph.params(), update.reshape(update.length()));
    }

    /** The present updater, shared among the threads. */
    private ParallelUpdate parallelUpdate() {
        ComputationGraphUpdater whole = graph.getUpdater(true);
        if (parallelUpdate == null || !parallelUpdate.isOf(whole)) {
            freeUpdate();
            parallelUpdate = new ParallelUpdate(graph, whole, threads);
        }
        return parallelUpdate;
    }

    @Override
    public void freeUpdate() {
        if (parallelUpdate != null) {
            parallelUpdate.close();
            parallelUpdate = null;
        }
    }
}
