package io.github.dl4jpipeline;

import java.util.List;
import java.util.Map;
import org.deeplearning4j.nn.api.Model;
import org.deeplearning4j.optimize.api.BaseTrainingListener;
import org.deeplearning4j.optimize.api.TrainingListener;
import org.jspecify.annotations.Nullable;
import org.nd4j.linalg.api.memory.MemoryWorkspace;
import org.nd4j.linalg.api.ndarray.INDArray;
import org.nd4j.linalg.factory.Nd4j;

/**
 * Stands between Deeplearning4j's solver and the user's listeners.
 *
 * <p>The solver calls {@code iterationDone} after it has updated the parameters, but before it counts the step and
 * applies constraints. An exception from a listener must not leave a step half done, so it is kept until the step is.
 */
final class StepListener extends BaseTrainingListener {
    private final PipelineComputationGraph graph;
    private final Committed committed;
    private @Nullable Throwable failure;

    /** Is told of each step after the listeners, whatever they throw. */
    interface Committed {
        void stepCommitted(int iteration, int epoch, long updatedNanos);
    }

    StepListener(PipelineComputationGraph graph, Committed committed) {
        this.graph = graph;
        this.committed = committed;
    }

    /** Whether any listener looks at activations; collecting them costs a copy. */
    boolean wantsActivations() {
        return graph.getListeners().stream().anyMatch(StepListener::overridesOnForwardPass);
    }

    private static boolean overridesOnForwardPass(TrainingListener listener) {
        try {
            Class<?> declaring = listener.getClass()
                    .getMethod("onForwardPass", Model.class, Map.class)
                    .getDeclaringClass();
            return declaring != BaseTrainingListener.class;
        } catch (NoSuchMethodException e) {
            throw new AssertionError("TrainingListener declares onForwardPass", e);
        }
    }

    /** Gradient and score are there, and nothing is updated yet. */
    void gradientComputed(Map<String, INDArray> activations) {
        try (MemoryWorkspace ignored = Nd4j.getWorkspaceManager().scopeOutOfWorkspaces()) {
            for (TrainingListener listener : graph.getListeners()) {
                if (!activations.isEmpty()) {
                    listener.onForwardPass(graph, activations);
                }
                listener.onBackwardPass(graph);
            }
        }
    }

    @Override
    public void onGradientCalculation(Model model) {
        graph.getListeners().forEach(listener -> listener.onGradientCalculation(model));
    }

    @Override
    public void iterationDone(Model model, int iteration, int epoch) {
        failure = null;
        long updatedNanos = System.nanoTime();
        try {
            for (TrainingListener listener : List.copyOf(graph.getListeners())) {
                listener.iterationDone(model, iteration, epoch);
            }
        } catch (RuntimeException | Error e) {
            failure = e;
        }
        committed.stepCommitted(iteration, epoch, updatedNanos);
    }

    /** Throws what a listener has thrown in the last step. */
    void rethrow() {
        Throwable thrown = failure;
        failure = null;
        if (thrown instanceof RuntimeException exception) {
            throw exception;
        } else if (thrown instanceof Error error) {
            throw error;
        }
    }
}
