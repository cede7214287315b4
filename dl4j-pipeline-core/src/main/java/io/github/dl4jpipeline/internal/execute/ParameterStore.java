package io.github.dl4jpipeline.internal.execute;

import io.github.dl4jpipeline.internal.memory.HostParameters;
import io.github.dl4jpipeline.internal.memory.ParameterMemory;
import java.util.function.Supplier;
import org.deeplearning4j.nn.graph.ComputationGraph;
import org.deeplearning4j.nn.updater.graph.ComputationGraphUpdater;
import org.jspecify.annotations.Nullable;
import org.nd4j.linalg.api.ndarray.INDArray;

/**
 * Parameters, gradients and updater state of a pipeline, which shares the first and the last with the model that it wraps. It
 * knows where they are at present, and when that memory and the model have to agree.
 */
public final class ParameterStore {
    private final WrappedModel wrapped;
    private final ComputationGraph pipeline;
    private final Supplier<ComputationGraphUpdater> updater;

    /** Where all is while no workers train. */
    private final ParameterMemory host;

    private volatile ParameterMemory current;
    private @Nullable INDArray sharedState;
    private int fits;
    private volatile boolean closed;
    private int iterations;

    /**
     * @param pipeline a graph that has been initialised with the wrapped model's parameters
     * @param updater the pipeline's updater, whether its state is current or not
     */
    public ParameterStore(WrappedModel wrapped, ComputationGraph pipeline, Supplier<ComputationGraphUpdater> updater) {
        this.wrapped = wrapped;
        this.pipeline = pipeline;
        this.updater = updater;
        this.host = new HostParameters(pipeline, work -> {});
        this.current = host;
        this.sharedState = wrapped.updaterState();
        pipeline.setUpdater(new ComputationGraphUpdater(pipeline, sharedState));
    }

    /** Where parameters, gradients and updater state are now. */
    public ParameterMemory current() {
        return current;
    }

    /** Workers train from now on, in this memory. */
    public void use(ParameterMemory next) {
        current.gather();
        current.freeUpdate();
        current = next;
    }

    /** No workers train from now on. */
    public void useHost() {
        use(host);
    }

    /**
     * Makes pipeline and wrapped model share one updater state again after either has replaced its updater, as
     * setting a learning rate does. The side that was changed wins. Also tells the wrapped model counts and score.
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
     * A {@code fit} begins, perhaps within another. Stages take over what the wrapped model has learned since the last one;
     * other changes of its arrays are told by {@link ParameterMemory#hostChanged}.
     */
    public void beginFit() {
        boolean trained = wrapped.iterations() != iterations; // before the wrapped model is told the pipeline's count
        reconcile();
        if (fits++ == 0 && trained) {
            current.hostChanged();
        }
    }

    /** A {@code fit} ends. After the outermost, the wrapped model's arrays are what was learned. */
    public void endFit() {
        try {
            if (--fits == 0) {
                current.gather();
                if (closed) {
                    current.freeUpdate();
                }
            }
        } finally {
            reconcile();
            iterations = wrapped.iterations();
        }
    }

    /**
     * The same after a failure, which what goes wrong here does not hide.
     *
     * @return whether that was the outermost
     */
    public boolean endFitAfter(Throwable failure) {
        try {
            endFit();
        } catch (Throwable e) {
            failure.addSuppressed(e);
        }
        return fits == 0;
    }

    /** A step begins; one outside of {@code fit} takes parameters as they are in the wrapped model. */
    public void beginStep() {
        if (fits == 0) {
            current.hostChanged();
        }
        current.beginStep();
    }

    /** Frees what updates take: now, or at the end of the {@code fit} that is running. */
    public void close() {
        closed = true;
        if (fits == 0) {
            current.freeUpdate();
        }
    }
}
