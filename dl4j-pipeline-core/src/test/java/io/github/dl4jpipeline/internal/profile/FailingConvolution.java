package io.github.dl4jpipeline.internal.profile;

import org.deeplearning4j.nn.conf.layers.ConvolutionLayer;

/** A convolution that fails in the code that a test names. It runs in Deeplearning4j's own layer and all that replace it. */
public final class FailingConvolution extends ConvolutionLayer {
    private static final long serialVersionUID = 1;
    private static volatile String failing = "";

    /** For JSON. */
    FailingConvolution() {
        this(new Builder());
    }

    FailingConvolution(Builder builder) {
        super(builder);
    }

    /** Has every such layer fail from now on in methods whose {@code Class.method} ends so; with no text, in none. */
    static void failIn(String method) {
        failing = method;
    }

    @Override
    public int[] getKernelSize() {
        String method = failing;
        boolean fails = !method.isEmpty()
                && StackWalker.getInstance()
                        .walk(frames -> frames.anyMatch(
                                frame -> (frame.getClassName() + "." + frame.getMethodName()).endsWith(method)));
        if (fails) {
            throw new IllegalStateException("as the test wants it");
        }
        return super.getKernelSize();
    }
}
