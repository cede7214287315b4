package io.github.dl4jpipeline.internal.execute;

import java.util.Collection;
import java.util.List;
import org.deeplearning4j.nn.api.Model;
import org.deeplearning4j.nn.gradient.Gradient;
import org.deeplearning4j.nn.graph.ComputationGraph;
import org.deeplearning4j.nn.workspace.LayerWorkspaceMgr;
import org.deeplearning4j.optimize.Solver;
import org.deeplearning4j.optimize.api.ConvexOptimizer;
import org.deeplearning4j.optimize.api.StepFunction;
import org.deeplearning4j.optimize.api.TrainingListener;
import org.deeplearning4j.optimize.solvers.StochasticGradientDescent;
import org.deeplearning4j.optimize.stepfunctions.NegativeGradientStepFunction;
import org.deeplearning4j.optimize.stepfunctions.StepFunctions;
import org.nd4j.linalg.api.memory.MemoryWorkspace;
import org.nd4j.linalg.api.ndarray.INDArray;
import org.nd4j.linalg.factory.Nd4j;

/** Deeplearning4j's gradient descent: the same steps in the same order, but the updater runs in the pipeline's workers. */
public final class PipelineSolver extends Solver {
    private final StochasticGradientDescent descent;

    /** @param parameters has those of the workers after the first gradient */
    public PipelineSolver(ComputationGraph graph, ParameterStore parameters, boolean ownMemory) {
        descent = ownMemory ? new OnDevices(graph, parameters) : new InSharedMemory(graph, parameters);
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

    private static final class InSharedMemory extends StochasticGradientDescent {
        private final ParameterStore parameters;

        InSharedMemory(ComputationGraph graph, ParameterStore parameters) {
            super(graph.conf(), stepFunction(graph, parameters), List.of(), graph);
            this.parameters = parameters;
        }

        private static StepFunction stepFunction(ComputationGraph graph, ParameterStore parameters) {
            StepFunction chosen = StepFunctions.createStepFunction(graph.conf().getStepFunction());
            boolean usual = chosen == null || chosen.getClass() == NegativeGradientStepFunction.class;
            return usual ? new InWorkers(parameters) : new Committed(chosen, parameters);
        }

        @Override
        public boolean optimize(LayerWorkspaceMgr workspaces) {
            try {
                return super.optimize(workspaces);
            } catch (Throwable failure) {
                parameters.takeBackUpdate();
                throw failure;
            }
        }

        @Override
        public void updateGradientAccordingToParams(
                Gradient gradient, Model model, int examples, LayerWorkspaceMgr workspaces) {
            parameters.update(gradient, examples, workspaces, stepFunction instanceof InWorkers);
        }
    }

    /** What gradient descent does unless told otherwise. */
    private static final class InWorkers extends NegativeGradientStepFunction {
        private final ParameterStore store;

        InWorkers(ParameterStore store) {
            this.store = store;
        }

        @Override
        public void step(INDArray parameters, INDArray updates) {
            if (!store.subtract(updates)) {
                super.step(parameters, updates);
                store.commitUpdate();
            }
        }
    }

    /** Another of Deeplearning4j's step functions. */
    private record Committed(StepFunction chosen, ParameterStore store) implements StepFunction {
        @Override
        public void step(INDArray parameters, INDArray updates, double step) {
            chosen.step(parameters, updates, step);
            store.commitUpdate();
        }

        @Override
        public void step(INDArray parameters, INDArray updates) {
            chosen.step(parameters, updates);
            store.commitUpdate();
        }

        @Override
        public void step() {
            chosen.step();
        }
    }

    /** The parameters are on devices, and so is what is subtracted from them. */
    private static final class OnDevices extends StochasticGradientDescent {
        private final ComputationGraph graph;
        private final ParameterStore parameters;

        OnDevices(ComputationGraph graph, ParameterStore parameters) {
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
                throw DeviceParameters.closedDuringStep();
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
