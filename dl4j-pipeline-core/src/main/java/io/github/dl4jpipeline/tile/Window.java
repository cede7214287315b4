package io.github.dl4jpipeline.tile;

/**
 * What one output row or column of a layer sees of its input, along one axis.
 *
 * @param kernel number of taps
 * @param stride inputs from one output to the next
 * @param padding values put before the first input; with {@code same} it follows from the size of the input
 * @param dilation inputs from one tap to the next
 * @param same whether there are {@code ceil(size / stride)} outputs, with as much padding as that takes
 */
public record Window(int kernel, int stride, int padding, int dilation, boolean same) {
    /** Each output sees the input at its own place. */
    public static final Window POINT = new Window(1, 1, 0, 1, false);

    /** Kernels, strides, dilation and padding; products of two of them are numbers of 32 bits. */
    private static final int MOST = 16_384;

    public Window {
        if (kernel < 1 || stride < 1 || padding < 0 || dilation < 1) {
            throw new IllegalArgumentException(
                    "Kernel, stride and dilation must be positive and padding not negative, got " + kernel + ", "
                            + stride + ", " + dilation + ", " + padding);
        }
        if (Math.max(Math.max(kernel, stride), Math.max(padding, dilation)) > MOST) {
            throw new IllegalArgumentException("Kernel, stride, dilation and padding must be at most " + MOST + ", got "
                    + kernel + ", " + stride + ", " + dilation + ", " + padding);
        }
    }

    /** How many inputs the window spans. */
    int reach() {
        return (kernel - 1) * dilation + 1;
    }

    /** Number of outputs for {@code size} inputs. */
    int outputs(int size) {
        return same ? (size + stride - 1) / stride : Math.floorDiv(size + 2 * padding - reach(), stride) + 1;
    }

    /** How many values of padding come before the first input; with an odd sum, {@code same} puts the odd one after. */
    private int before(int size) {
        return same ? Math.max(0, (outputs(size) - 1) * stride + reach() - size) / 2 : padding;
    }

    /** What some outputs need of {@code size} inputs; it reaches over the border where padding is needed. */
    Interval needed(Interval outputs, int size) {
        if (outputs.isEmpty()) {
            return Interval.EMPTY;
        }
        int first = outputs.from() * stride - before(size);
        return new Interval(first, first + (outputs.size() - 1) * stride + reach());
    }
}
