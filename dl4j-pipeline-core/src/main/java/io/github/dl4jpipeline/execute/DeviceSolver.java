package io.github.dl4jpipeline.execute;

import java.util.Collection;
import java.util.List;
import org.deeplearning4j.nn.graph.ComputationGraph;
import org.deeplearning4j.nn.workspace.LayerWorkspaceMgr;
import org.deeplearning4j.optimize.Solver;
import org.deeplearning4j.optimize.api.ConvexOptimizer;
import org.deeplearning4j.optimize.api.TrainingListener;
import org.deeplearning4j.optimize.solvers.StochasticGradientDescent;
import org.nd4j.linalg.api.memory.MemoryWorkspace;
import org.nd4j.linalg.factory.Nd4j;

/**
 * Deeplearning4j's gradient descent for parameters on devices: the same steps in the same order, but the updater runs where
 * the parameters are.
 */
public final class DeviceSolver extends Solver {
    private final Descent descent;

    /** @param parameters has those of the devices after the first gradient */
    public DeviceSolver(ComputationGraph graph, ParameterStore parameters) {
        descent = new Descent(graph, parameters);
    }

    @Override
    public void optimize(LayerWorkspaceMgr workspaces) {
        descent.optimize(workspaces);
    }

    @Override
    public void initOptimizer() {
        // there from the start
    }

    @Override
    public ConvexOptimizer getOptimizer() {
        return descent;
    }

    @Override
    public void setListeners(Collection<TrainingListener> listeners) {
        descent.setListeners(listeners);
    }

    private static final class Descent extends StochasticGradientDescent {
        private final ComputationGraph graph;
        private final ParameterStore parameters;

        Descent(ComputationGraph graph, ParameterStore parameters) {
            super(graph.conf(), null, List.of(), graph);
            this.graph = graph;
            this.parameters = parameters;
        }

        @Override
        public boolean optimize(LayerWorkspaceMgr workspaces) {
            graph.computeGradientAndScore(workspaces);
            try (MemoryWorkspace ignored = Nd4j.getMemoryManager().scopeOutOfWorkspaces()) {
                trainingListeners.forEach(listener -> listener.onGradientCalculation(graph));
            }
            int iteration = graph.getIterationCount();
            int epoch = graph.getEpochCount();
            DeviceParameters onDevices = parameters.devices();
            if (onDevices == null) {
                throw new IllegalStateException(
                        "The pipeline was closed during a training step; the step has no effect");
            }
            onDevices.update(iteration, epoch, graph.batchSize());
            try (MemoryWorkspace ignored = Nd4j.getMemoryManager().scopeOutOfWorkspaces()) {
                trainingListeners.forEach(listener -> listener.iterationDone(graph, iteration, epoch));
            }
            incrementIterationCount(graph, 1);
            applyConstraints(graph);
            return true;
        }
    }
}
