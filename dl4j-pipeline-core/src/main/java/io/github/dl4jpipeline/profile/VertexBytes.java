package io.github.dl4jpipeline.profile;

/**
 * Sizes of a vertex's arrays, in bytes.
 *
 * @param activation its output
 * @param parameters its parameters
 * @param gradients its parameter gradients; 0 where nothing is trained
 * @param updater the updater's state for it
 * @param apart the array for the gradients of a second and later micro-batches before they are added; 0 where the vertex adds
 *     to those that it finds; or what several micro-batches leave until their gradients are computed together
 * @param packed its parameters as the code of the layer reads them, besides the parameters themselves
 */
public record VertexBytes(long activation, long parameters, long gradients, long updater, long apart, long packed) {

    /** Of a vertex whose code reads the parameters as they are. */
    public VertexBytes(long activation, long parameters, long gradients, long updater, long apart) {
        this(activation, parameters, gradients, updater, apart, 0);
    }

    /** Of a vertex that has an array for the gradients of a second and later micro-batches. */
    public VertexBytes(long activation, long parameters, long gradients, long updater) {
        this(activation, parameters, gradients, updater, gradients);
    }

    /** The sizes for {@code factor} times as many examples. */
    VertexBytes times(double factor) {
        return new VertexBytes(Math.round(activation * factor), parameters, gradients, updater, apart, packed);
    }
}
