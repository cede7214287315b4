package io.github.dl4jpipeline.internal.update;

import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.concurrent.atomic.AtomicReference;
import java.util.function.Consumer;
import java.util.function.IntConsumer;
import org.deeplearning4j.nn.api.Trainable;
import org.deeplearning4j.nn.conf.GradientNormalization;
import org.deeplearning4j.nn.gradient.DefaultGradient;
import org.deeplearning4j.nn.gradient.Gradient;
import org.deeplearning4j.nn.graph.ComputationGraph;
import org.deeplearning4j.nn.updater.UpdaterBlock;
import org.deeplearning4j.nn.updater.UpdaterBlock.ParamState;
import org.deeplearning4j.nn.updater.graph.ComputationGraphUpdater;
import org.jspecify.annotations.Nullable;
import org.nd4j.linalg.api.ndarray.INDArray;

/**
 * Deeplearning4j's updater, run piece by piece in all threads of a pipeline whose workers share memory. Each piece
 * goes through division by the number of examples, gradient normalization, regularization and the updater while it is
 * in a core's cache. Deeplearning4j passes over all parameters for each of these, in one thread.
 */
public final class ParallelUpdate {
    /** With fewer parameters, the calling thread is done before others have begun. */
    static final long FEWEST_SHARED = 1 << 16;

    private final ComputationGraph graph;
    private final ComputationGraphUpdater whole;
    private final Consumer<Runnable> crew;
    private final List<UpdatePiece> pieces;
    private final List<Normalized> normalized;
    private final Runnable[] rest;
    private final RegularizationScore regularization;
    private final boolean shares;

    /** A layer whose gradients are normalized, for which it needs all of them. */
    private record Normalized(Trainable layer, Gradient gradient, List<INDArray> summed) {}

    /**
     * @param whole the graph's updater
     * @param crew runs the same work in several threads at once, or in none that have ended, and waits
     */
    public ParallelUpdate(ComputationGraph graph, ComputationGraphUpdater whole, Consumer<Runnable> crew) {
        this.graph = graph;
        this.whole = whole;
        this.crew = crew;
        INDArray parameters = graph.params();
        INDArray gradients = whole.getFlattenedGradientsView();
        normalized = whole.getUpdaterBlocks().stream()
                .flatMap(block -> block.getLayersAndVariablesInBlock().stream())
                .map(ParamState::getLayer)
                .filter(ParallelUpdate::isNormalized)
                .distinct()
                .map(this::normalized)
                .toList();
        pieces = UpdatePiece.of(
                whole.getUpdaterBlocks(),
                parameters.reshape(parameters.length()),
                gradients.reshape(gradients.length()),
                layer -> isMiniBatch() && !isNormalized(layer));
        rest = new Runnable[pieces.size()];
        shares = parameters.length() >= FEWEST_SHARED;
        regularization = RegularizationScore.of(graph);
    }

    /** Whether the calling thread computes it alone. */
    public boolean isSmall() {
        return !shares;
    }

    @SuppressWarnings("ReferenceEquality") // updaters are equal if their states are
    public boolean isOf(ComputationGraphUpdater updater) {
        return whole == updater;
    }

    /** Whether an array is that of the gradients, or a view of all of it as Deeplearning4j hands on. */
    public boolean isOf(INDArray gradient) {
        INDArray own = whole.getFlattenedGradientsView();
        return gradient.length() == own.length()
                && gradient.offset() == own.offset()
                && gradient.data().sameUnderlyingData(own.data());
    }

    private boolean isMiniBatch() {
        return graph.conf().isMiniBatch();
    }

    /**
     * Turns gradient sums into what is to be subtracted from the parameters. If it fails, or what follows it, {@link #takeBack}
     * makes the updater state what it was, until {@link #commit} or {@link #finish}.
     *
     * @param subtract whether {@link #finish} follows, so that what can subtract it in the same pass over memory is left to it
     */
    public void update(int iteration, int epoch, int examples, boolean subtract) {
        share(normalized.size(), i -> normalize(normalized.get(i), iteration, examples));
        share(rest.length, i -> rest[i] = pieces.get(i).update(iteration, epoch, examples, subtract));
        if (!subtract) {
            share(rest.length, i -> rest[i].run());
        }
    }

    /** Makes the updater state what it was before an update that is not committed. */
    public void takeBack() {
        pieces.forEach(piece -> piece.state().takeBack());
    }

    /** The update has been subtracted from the parameters. */
    public void commit() {
        pieces.forEach(piece -> piece.state().commit());
    }

    /** Frees its memory. */
    public void close() {
        pieces.forEach(piece -> piece.state().close());
    }

    /**
     * Commits the update: does what {@link #update} has left, and subtracts the updates from the parameters. That is arithmetic
     * in arrays that are there. If a piece fails all the same, the others are done nevertheless.
     */
    public void finish() {
        commit();
        share(rest.length, i -> rest[i].run(), true);
    }

    private void normalize(Normalized layer, int iteration, int examples) {
        layer.summed().forEach(gradient -> gradient.divi(examples));
        whole.preApply(layer.layer(), layer.gradient(), iteration);
    }

    /** The regularization term of the graph's score. */
    public double regularization() {
        int iteration = graph.getIterationCount();
        int epoch = graph.getEpochCount();
        double[] terms = new double[regularization.pieces()];
        share(terms.length, i -> terms[i] = regularization.ofPiece(i, iteration, epoch));
        return Arrays.stream(terms).sum() + regularization.ofWholeLayers();
    }

    /**
     * Shares work among the threads, unless it is little. What they leave, because the pipeline is being closed, the calling one
     * does.
     */
    private void share(int count, IntConsumer work) {
        share(count, work, false);
    }

    /** @param all whether to go on after a failure */
    private void share(int count, IntConsumer work, boolean all) {
        AtomicInteger next = new AtomicInteger();
        AtomicReference<@Nullable Throwable> failure = new AtomicReference<>();
        Runnable loop = () -> {
            FusedUpdate.allocateScratch();
            for (int i = next.getAndIncrement();
                    i < count && (all || failure.get() == null);
                    i = next.getAndIncrement()) {
                try {
                    work.accept(i);
                } catch (RuntimeException | Error e) {
                    failure.compareAndSet(null, e);
                }
            }
        };
        if (count > 1 && shares) {
            try {
                crew.accept(loop);
            } catch (RuntimeException | Error e) {
                failure.compareAndSet(null, e);
            }
        }
        loop.run();
        Throwable failed = failure.get();
        if (failed instanceof Error error) {
            throw error;
        }
        if (failed instanceof RuntimeException exception) {
            throw exception;
        }
    }

    private static boolean isNormalized(Trainable layer) {
        GradientNormalization kind = layer.getConfig().getGradientNormalization();
        return kind != null && kind != GradientNormalization.None;
    }

    private Normalized normalized(Trainable layer) {
        Gradient gradient = new DefaultGradient();
        List<INDArray> summed = new ArrayList<>();
        for (UpdaterBlock block : whole.getUpdaterBlocks()) {
            for (ParamState parameter : block.getLayersAndVariablesInBlock()) {
                if (parameter.getLayer() == layer) {
                    gradient.setGradientFor(parameter.getParamName(), parameter.getGradView());
                    if (isMiniBatch() && layer.updaterDivideByMinibatch(parameter.getParamName())) {
                        summed.add(parameter.getGradView());
                    }
                }
            }
        }
        return new Normalized(layer, gradient, summed);
    }
}
