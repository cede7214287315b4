package io.github.dl4jpipeline.internal.execute;

import io.github.dl4jpipeline.internal.graph.Vertex;
import io.github.dl4jpipeline.internal.graph.VertexGraph;
import io.github.dl4jpipeline.internal.update.ParallelUpdate;
import io.github.dl4jpipeline.internal.update.StateBackup;
import java.util.ArrayList;
import java.util.List;
import java.util.function.Supplier;
import org.deeplearning4j.nn.gradient.Gradient;
import org.deeplearning4j.nn.graph.ComputationGraph;
import org.deeplearning4j.nn.updater.graph.ComputationGraphUpdater;
import org.deeplearning4j.nn.workspace.LayerWorkspaceMgr;
import org.jspecify.annotations.Nullable;
import org.nd4j.linalg.api.ndarray.INDArray;
import org.nd4j.linalg.indexing.NDArrayIndex;

/**
 * Parameters, gradients and updater state of a pipeline, which shares the first and the last with the model that it
 * wraps.
 *
 * <p>Stages reach gradients as slices of the pipeline's flat array: a stage's vertices need not be neighbours in it.
 */
public final class ParameterStore {
    private final WrappedModel wrapped;
    private final ComputationGraph pipeline;
    private final Supplier<ComputationGraphUpdater> updater;
    private @Nullable INDArray sharedState;
    private @Nullable DeviceParameters devices;
    private @Nullable TaskController workers;
    private @Nullable ParallelUpdate parallelUpdate;
    private @Nullable StateBackup wholeState;
    private int fits;
    private volatile boolean closed;
    private int iterations;

    /**
     * @param pipeline a graph that has been initialised with the wrapped model's parameters
     * @param updater the pipeline's updater, whether its state is that of the devices or not
     */
    public ParameterStore(WrappedModel wrapped, ComputationGraph pipeline, Supplier<ComputationGraphUpdater> updater) {
        this.wrapped = wrapped;
        this.pipeline = pipeline;
        this.updater = updater;
        this.sharedState = wrapped.updaterState();
        pipeline.setUpdater(new ComputationGraphUpdater(pipeline, sharedState));
    }

    /**
     * Makes pipeline and wrapped model share one updater state again after either has replaced its updater, as setting
     * a learning rate does, and tells the wrapped model counts and score. The side that was changed wins.
     */
    public void reconcile() {
        INDArray ofWrapped = wrapped.updaterState();
        INDArray ofPipeline = updater.get().getStateViewArray();
        if (ofPipeline != sharedState) {
            sharedState = ofPipeline;
            wrapped.setUpdaterState(sharedState);
        } else if (ofWrapped != sharedState) {
            sharedState = ofWrapped;
            pipeline.setUpdater(new ComputationGraphUpdater(pipeline, sharedState));
        }
        wrapped.setProgress(pipeline.getIterationCount(), pipeline.getEpochCount(), pipeline.score());
    }

    /**
     * The workers that train from now on, which have parameters, gradients and updater state on devices with their own memory
     * or share the wrapped model's; null for none.
     */
    public void use(@Nullable TaskController next) {
        gather();
        workers = next;
        devices = next == null ? null : next.deviceParameters();
        closeParallelUpdate();
    }

    /** Frees what updates take: now, or at the end of the {@code fit} that is running. */
    public void close() {
        closed = true;
        if (fits == 0) {
            closeParallelUpdate();
        }
    }

    private void closeParallelUpdate() {
        if (parallelUpdate != null) {
            parallelUpdate.close();
            parallelUpdate = null;
        }
    }

    /** The graph's regularization term with the parameters of now. */
    public double regularization() {
        if (devices != null) {
            return devices.regularization();
        }
        ParallelUpdate parallel = parallelUpdate();
        return parallel == null ? pipeline.calcRegularizationScore(true) : parallel.regularization();
    }

    /**
     * Turns the gradient sums of a batch, in shared memory, into what is to be subtracted from the parameters.
     *
     * @param subtract whether {@link #subtract} follows, to which part of the work may be left then
     */
    void update(Gradient gradient, int examples, LayerWorkspaceMgr workspaces, boolean subtract) {
        int iteration = pipeline.getIterationCount();
        int epoch = pipeline.getEpochCount();
        ParallelUpdate parallel = parallelUpdate();
        if (parallel == null || !parallel.isOf(gradient.gradient())) {
            INDArray state = updater.get().getStateViewArray();
            wholeState = new StateBackup(state == null ? List.of() : List.of(state));
            wholeState.keep();
            updater.get().update(gradient, iteration, epoch, examples, workspaces);
        } else {
            parallel.update(iteration, epoch, examples, subtract);
        }
    }

    /** The update, in shared memory, has been subtracted from the parameters. */
    void commitUpdate() {
        if (parallelUpdate != null) {
            parallelUpdate.commit();
        }
        if (wholeState != null) {
            wholeState.close();
            wholeState = null;
        }
    }

    /** Makes the updater state, in shared memory, what it was before an update that has not been subtracted. */
    void takeBackUpdate() {
        if (parallelUpdate != null) {
            parallelUpdate.takeBack();
        }
        if (wholeState != null) {
            wholeState.takeBack();
            wholeState.close();
            wholeState = null;
        }
    }

    /**
     * Ends {@link #update}, and subtracts the updates from the parameters, in shared memory.
     *
     * @return false if there is no such update to end; nothing is done then
     */
    boolean subtract(INDArray updates) {
        ParallelUpdate parallel = parallelUpdate();
        if (parallel == null || !parallel.isPending()) {
            return false;
        }
        if (!parallel.isOf(updates)) {
            throw new IllegalStateException("The updates of the parameters are in another array than their gradients");
        }
        parallel.finish();
        return true;
    }

    /** The present updater, shared among the workers; null where there are none. */
    private @Nullable ParallelUpdate parallelUpdate() {
        if (workers == null) {
            return null;
        }
        ComputationGraphUpdater whole = updater.get();
        if (parallelUpdate == null || !parallelUpdate.isOf(whole)) {
            closeParallelUpdate();
            parallelUpdate = new ParallelUpdate(pipeline, whole, workers::inEachThread);
        }
        return parallelUpdate;
    }

    /**
     * A {@code fit} begins, perhaps within another. Devices take over what the wrapped model has learned since the last one;
     * other changes of its arrays are told by {@link #hostChanged}.
     */
    public void beginFit() {
        boolean trained = wrapped.iterations() != iterations; // before the wrapped model is told the pipeline's count
        reconcile();
        if (fits++ == 0 && trained) {
            hostChanged();
        }
    }

    /** A {@code fit} ends. After the outermost, the wrapped model's arrays are what was learned. */
    public void endFit() {
        try {
            if (--fits == 0) {
                gather();
                if (closed) {
                    closeParallelUpdate();
                }
            }
        } finally {
            reconcile();
            iterations = wrapped.iterations();
        }
    }

    /** The same after a failure, which what goes wrong here does not hide. */
    public void endFitAfter(Throwable failure) {
        try {
            endFit();
        } catch (Throwable e) {
            failure.addSuppressed(e);
        }
    }

    /** A step begins; one outside of {@code fit} takes parameters as they are in the wrapped model. */
    public void beginStep() {
        if (fits == 0) {
            hostChanged();
        }
        if (devices != null) {
            devices.transfers().beginStep();
            devices.load();
        }
    }

    /** Makes the wrapped model's parameters and updater state those of the devices, if they are behind. */
    public void gather() {
        if (devices != null) {
            devices.gather();
        }
    }

    /** Makes the gradient array that of the devices, if it is behind. */
    public void gatherGradients() {
        if (devices != null) {
            devices.gatherGradients();
        }
    }

    /** The wrapped model's parameters or updater state are written, after {@link #gather}. */
    public void hostChanged() {
        if (devices != null) {
            devices.hostChanged();
        }
    }

    /** The devices' parameters; null where all share the wrapped model's, and after closing. */
    public @Nullable DeviceParameters devices() {
        return devices != null && devices.isOpen() ? devices : null;
    }

    /** By position: the part of a flat array, laid out as the parameters are, of each vertex; null for none. */
    public static List<@Nullable INDArray> slices(INDArray flat, VertexGraph vertices) {
        INDArray row = flat.reshape(flat.length());
        List<@Nullable INDArray> slices = new ArrayList<>();
        long from = 0;
        for (Vertex vertex : vertices.vertices()) {
            long to = from + vertex.parameters();
            slices.add(to == from ? null : row.get(NDArrayIndex.interval(from, to)));
            from = to;
        }
        return slices;
    }
}
