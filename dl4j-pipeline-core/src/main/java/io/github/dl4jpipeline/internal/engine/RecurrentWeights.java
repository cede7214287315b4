package io.github.dl4jpipeline.internal.engine;

import java.util.LinkedHashMap;
import java.util.Map;
import java.util.function.Function;
import org.deeplearning4j.nn.params.SimpleRnnParamInitializer;
import org.nd4j.linalg.api.ndarray.INDArray;
import org.nd4j.linalg.indexing.NDArrayIndex;

/**
 * Parameters of a recurrent layer. Deeplearning4j keeps the weights of a unit one after another, so that they are matrices of rows
 * of units: for each gate, and behind them the peepholes.
 *
 * @param vertex its name
 * @param prefix of the names of its parameters, in the layer of the vertex
 * @param get by name, without the prefix
 * @param inputs values at each step of the input
 * @param units values at each step of the output
 * @param gates how many values of each unit the weights lead to
 * @param peepholes how many weights each unit has for its own memory
 */
record RecurrentWeights(
        String vertex,
        String prefix,
        Function<String, INDArray> get,
        long inputs,
        long units,
        int gates,
        int peepholes,
        PackedWeights packed) {
    private static final String OF_INPUT = SimpleRnnParamInitializer.WEIGHT_KEY;
    private static final String RECURRENT = SimpleRnnParamInitializer.RECURRENT_WEIGHT_KEY;
    private static final String BIAS = SimpleRnnParamInitializer.BIAS_KEY;

    /** Arrays of parameters, or of their gradients. */
    record Arrays(INDArray ofInput, INDArray recurrent, INDArray bias) {}

    Arrays parameters() {
        return new Arrays(get.apply(OF_INPUT), get.apply(RECURRENT), get.apply(BIAS));
    }

    /** Arrays by the names that the layer of the vertex has for them. */
    Arrays named(Map<String, INDArray> arrays) {
        return new Arrays(arrays.get(prefix + OF_INPUT), arrays.get(prefix + RECURRENT), arrays.get(prefix + BIAS));
    }

    Map<String, INDArray> names(Arrays arrays) {
        Map<String, INDArray> named = new LinkedHashMap<>();
        named.put(prefix + OF_INPUT, arrays.ofInput());
        named.put(prefix + RECURRENT, arrays.recurrent());
        named.put(prefix + BIAS, arrays.bias());
        return named;
    }

    /** Values for each example at each step that the weights lead to. */
    long width() {
        return gates * units;
    }

    /** How many parameters there are. */
    long length() {
        return inputs * width() + units * (width() + peepholes) + width();
    }

    /** Views of an array that holds a value for each parameter, from an index on. */
    Map<String, INDArray> views(INDArray all, long from) {
        INDArray vector = all.reshape(all.length());
        long recurrent = from + inputs * width();
        long bias = recurrent + units * (width() + peepholes);
        return names(new Arrays(
                part(vector, from, recurrent).reshape('f', inputs, width()),
                part(vector, recurrent, bias).reshape('f', units, width() + peepholes),
                part(vector, bias, bias + width())));
    }

    private static INDArray part(INDArray vector, long from, long to) {
        return vector.get(NDArrayIndex.interval(from, to));
    }

    /** Whether oneDNN may see these inputs and the parameters, whose functions do not keep NaN and infinities. */
    boolean areFinite(Value input) {
        Arrays arrays = parameters();
        return packed.isFinite(parameter(OF_INPUT), input, arrays.ofInput(), arrays.bias())
                && packed.isFinite(parameter(RECURRENT), input, arrays.recurrent(), null);
    }

    private PackedWeights.Parameter parameter(String name) {
        return new PackedWeights.Parameter(vertex, prefix + name);
    }
}
