package io.github.dl4jpipeline.internal.execute;

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

/** Deeplearning4j's gradient descent: the same steps in the same order, but parameters are updated where the stages have them. */
public final class PipelineSolver extends Solver {
    private final StochasticGradientDescent descent;

    public PipelineSolver(ComputationGraph graph, ParameterStore parameters) {
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
            parameters.current().update(workspaces);
            int iteration = graph.getIterationCount();
            int epoch = graph.getEpochCount();
            try (MemoryWorkspace ignored = Nd4j.getMemoryManager().scopeOutOfWorkspaces()) {
                trainingListeners.forEach(listener -> listener.iterationDone(graph, iteration, epoch));
            }
            incrementIterationCount(graph, 1);
            applyConstraints(graph);
            return true;
        }
    }
}
