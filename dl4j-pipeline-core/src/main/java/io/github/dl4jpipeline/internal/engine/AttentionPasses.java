package io.github.dl4jpipeline.internal.engine;

import io.github.dl4jpipeline.internal.onednn.Activation;
import io.github.dl4jpipeline.internal.onednn.Dense;
import io.github.dl4jpipeline.internal.onednn.Layout;
import io.github.dl4jpipeline.internal.onednn.Primitive;
import io.github.dl4jpipeline.internal.onednn.Product;
import io.github.dl4jpipeline.internal.onednn.Softmax;
import java.util.ArrayList;
import java.util.List;
import java.util.function.Supplier;
import org.jspecify.annotations.Nullable;

/**
 * The primitives of self-attention for one shape of input. Rows are the steps of all examples, example by example. A row has the
 * queries of all heads, then their keys, then their values. Without projections these three are the same: the input.
 */
final class AttentionPasses implements AutoCloseable {
    private static final int HEAD_DIMENSIONS = 4;

    private final AttentionSize size;
    private final List<Lazy> all = new ArrayList<>();

    private final Lazy project = lazy(() -> ofProjections().forward(Activation.IDENTITY));
    private final Lazy score = lazy(() -> product(rows(), turned(), scores(), scale(), false));
    private final Lazy softmax = lazy(() -> Softmax.forward(scores()));
    private final Lazy attend = lazy(() -> product(scores(), rows(), results(), 1, false));
    private final Lazy putOut = lazy(() -> Product.of(
            Product.matrix(size().rows(), size().width()), Product.matrix(size().width(), size().outputs())));

    private final Lazy resultError = lazy(() -> ofOutput().forward(Activation.IDENTITY));
    private final Lazy shareError = lazy(() -> product(results(), turned(), scores(), 1, false));
    private final Lazy scoreError = lazy(() -> Softmax.backward(scores()));
    private final Lazy valueError = lazy(() -> product(turnedScores(), results(), rows(), 1, false));
    private final Lazy queryError = lazy(() -> product(scores(), rows(), rows(), scale(), addsErrors()));
    private final Lazy keyError = lazy(() -> product(turnedScores(), rows(), rows(), scale(), addsErrors()));
    private final Lazy inputError = lazy(() -> Product.of(
            Product.matrix(size().rows(), 3 * size().width()), Product.matrix(3 * size().width(), size().inputs())));
    private final Lazy projectionGradient = lazy(() -> ofProjections().gradient());
    private final Lazy outputGradient = lazy(() -> ofOutput().gradient());

    AttentionPasses(AttentionSize size) {
        this.size = size;
    }

    /** A primitive that is made when it is first wanted. */
    private static final class Lazy {
        private final Supplier<Primitive> maker;
        private @Nullable Primitive made;

        Lazy(Supplier<Primitive> maker) {
            this.maker = maker;
        }

        Primitive get() {
            if (made == null) {
                made = maker.get();
            }
            return made;
        }

        void close() {
            if (made != null) {
                made.close();
            }
        }
    }

    private Lazy lazy(Supplier<Primitive> maker) {
        Lazy primitive = new Lazy(maker);
        all.add(primitive);
        return primitive;
    }

    AttentionSize size() {
        return size;
    }

    /** From the input to queries, keys and values. */
    Primitive project() {
        return project.get();
    }

    /** From queries and keys to scores. */
    Primitive score() {
        return score.get();
    }

    /** From scores to shares. */
    Primitive softmax() {
        return softmax.get();
    }

    /** From shares and values to results. */
    Primitive attend() {
        return attend.get();
    }

    /** From results to the output. */
    Primitive putOut() {
        return putOut.get();
    }

    /** From the output's error to that of the results. */
    Primitive resultError() {
        return resultError.get();
    }

    /** From the error of the results, and values, to that of the shares. */
    Primitive shareError() {
        return shareError.get();
    }

    /** From the error of shares to that of scores. */
    Primitive scoreError() {
        return scoreError.get();
    }

    /** From shares and the error of the results to that of values. */
    Primitive valueError() {
        return valueError.get();
    }

    /** From the error of scores, and keys, to that of queries; without projections it is added to that of values. */
    Primitive queryError() {
        return queryError.get();
    }

    /** From the error of scores, and queries, to that of keys; without projections it is added to that of values. */
    Primitive keyError() {
        return keyError.get();
    }

    /** From errors of queries, keys and values to that of the input. */
    Primitive inputError() {
        return inputError.get();
    }

    /** From the input, and errors of queries, keys and values, to the gradients of the weights between. */
    Primitive projectionGradient() {
        return projectionGradient.get();
    }

    /** From the output's error and the results to the gradient of the weights between. */
    Primitive outputGradient() {
        return outputGradient.get();
    }

    private Dense ofProjections() {
        return new Dense(size.rows(), size.inputs(), 3 * size.width(), false);
    }

    /** Backwards: from the output's error to that of the results, as the weights lie in memory. */
    private Dense ofOutput() {
        return new Dense(size.rows(), size.outputs(), size.width(), false);
    }

    private boolean addsErrors() {
        return !size.projects();
    }

    private float scale() {
        return (float) (1 / Math.sqrt((double) size.headSize()));
    }

    /** Of each example, head and step: a score for each step. */
    private Layout scores() {
        return Layout.rowMajor(size.examples(), size.heads(), size.steps(), size.steps());
    }

    private Layout turnedScores() {
        return turned(scores(size.steps(), 1));
    }

    private Layout scores(long ofStep, long ofOther) {
        long ofHead = size.steps() * size.steps();
        return Layout.strided(
                new long[] {size.examples(), size.heads(), size.steps(), size.steps()},
                new long[] {size.heads() * ofHead, ofHead, ofStep, ofOther});
    }

    /** Queries, keys or values: of each example and head a row for each step. */
    private Layout rows() {
        return heads(size.rowWidth());
    }

    private Layout turned() {
        return turned(rows());
    }

    /** The same of results. */
    private Layout results() {
        return heads(size.width());
    }

    private Layout heads(long rowWidth) {
        return Layout.strided(
                new long[] {size.examples(), size.heads(), size.steps(), size.headSize()},
                new long[] {size.steps() * rowWidth, size.headSize(), rowWidth, 1});
    }

    private static Layout turned(Layout matrices) {
        return matrices.permuted(0, 1, HEAD_DIMENSIONS - 1, HEAD_DIMENSIONS - 2);
    }

    private static Primitive product(Layout left, Layout right, Layout result, float factor, boolean adds) {
        return Product.into(left, right, result, factor, adds);
    }

    @Override
    public void close() {
        all.forEach(Lazy::close);
    }
}
