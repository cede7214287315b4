package io.github.dl4jpipeline.internal.layers;

import io.github.dl4jpipeline.fixture.TwoThreads;
import io.github.dl4jpipeline.graph.Kernels;
import io.github.dl4jpipeline.internal.device.WholeProcess;
import io.github.dl4jpipeline.internal.graph.ArrayDifference;
import io.github.dl4jpipeline.internal.layers.LayerCase.Kind;
import io.github.dl4jpipeline.internal.stage.GraphCopier;
import io.github.dl4jpipeline.internal.stage.InferenceGraph;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import java.util.function.Consumer;
import java.util.function.Function;
import org.deeplearning4j.nn.api.Layer;
import org.deeplearning4j.nn.gradient.Gradient;
import org.deeplearning4j.nn.graph.ComputationGraph;
import org.deeplearning4j.nn.layers.BaseOutputLayer;
import org.nd4j.common.primitives.Pair;
import org.nd4j.linalg.api.buffer.DataType;
import org.nd4j.linalg.api.ndarray.INDArray;

/** Runs every code for the layer of a {@link LayerCase} beside Deeplearning4j's own code. */
final class LayerComparison {
    private static final double FLOAT = 2e-5;
    private static final double DOUBLE = 1e-10;

    /** Of the largest value of all arrays, which sums that cancel out are off by. */
    private static final double OF_LARGEST = 0.05;

    private static final double FOUND = 0.5;

    private final LayerCase layer;
    private final Consumer<String> announce;
    private final List<String> problems = new ArrayList<>();
    private int runs;
    private Passes inDouble;

    /** @param announce told of each code before it runs */
    private LayerComparison(LayerCase layer, Consumer<String> announce) {
        this.layer = layer;
        this.announce = announce;
    }

    /**
     * What came of a case.
     *
     * @param runs of fast code; 0 if there is none or Deeplearning4j refuses the configuration
     * @param refused whether Deeplearning4j refuses it, or its own layer code fails
     * @param problems differences from Deeplearning4j's code
     */
    record Outcome(int runs, boolean refused, List<String> problems) {}

    static Outcome of(LayerCase layer, Consumer<String> announce) {
        LayerComparison comparison = new LayerComparison(layer, announce);
        try (TwoThreads ignoredThreads = new TwoThreads();
                WholeProcess.Limit ignored = WholeProcess.limitThreads(layer.threads())) {
            boolean refused = comparison.run();
            return new Outcome(comparison.runs, refused, comparison.problems);
        }
    }

    private boolean run() {
        LayerCaseGraph graphs = new LayerCaseGraph(layer, layer.type());
        try (GuardedMemory parameters = new GuardedMemory()) {
            ComputationGraph stock;
            announce.accept("configuration");
            try {
                stock = graphs.create(parameters);
            } catch (RuntimeException e) {
                return true;
            }
            Passes expected = layer.kind() == Kind.ADDITION ? null : stockPasses(stock, graphs);
            if (expected != null) {
                runCodes(stock, graphs, expected);
            }
            boolean infers = graphs.hasNeighbours() && !layer.isFatal() && inference(stock, graphs);
            addDamage(parameters, "parameters");
            return expected == null ? !infers : expected.failed();
        }
    }

    /** What a layer computes, or why it fails. */
    private record Passes(Map<String, INDArray> arrays, Map<String, INDArray> gradients, RuntimeException failure) {
        static Passes failed(RuntimeException failure) {
            return new Passes(Map.of(), Map.of(), failure);
        }

        boolean failed() {
            return failure != null;
        }
    }

    private Passes stockPasses(ComputationGraph graph, LayerCaseGraph graphs) {
        announce.accept("Deeplearning4j's own");
        if (layer.isFatal()) {
            return Passes.failed(new IllegalStateException("fatal"));
        }
        try (GuardedMemory memory = new GuardedMemory()) {
            Passes passes = passes(graph.getLayer("layer"), graphs, memory, Way.USUAL, false);
            return memory.damage().isEmpty()
                    ? passes
                    : Passes.failed(new IllegalStateException("writes" + memory.damage()));
        }
    }

    private void runCodes(ComputationGraph stock, LayerCaseGraph graphs, Passes expected) {
        if (!FastLayers.vertices(stock).contains("layer")) {
            return;
        }
        ComputationGraph fast = GraphCopier.sharingParameters(stock);
        FastLayers.replaceIn(fast, KernelChoice.all(Kernels.FAST));
        Layer replaced = fast.getLayer("layer");
        if (replaced.getClass() != stock.getLayer("layer").getClass()) {
            for (Way way : Way.values()) {
                run(replaced, graphs, way, expected);
            }
        }
    }

    /** Ways to have a backward pass run. */
    private enum Way {
        USUAL,
        ADDING,
        POSTPONED,
        WITHOUT_INPUT;

        boolean isFor(Layer layer) {
            return switch (this) {
                case USUAL -> true;
                case ADDING -> layer instanceof AddsGradients;
                case POSTPONED -> layer instanceof PostponesGradient;
                case WITHOUT_INPUT -> layer instanceof GradientAlone;
            };
        }
    }

    private void run(Layer fast, LayerCaseGraph graphs, Way way, Passes expected) {
        if (!way.isFor(fast)) {
            return;
        }
        String name = "fast code " + way;
        announce.accept(name);
        runs++;
        try (GuardedMemory memory = new GuardedMemory()) {
            Passes actual = passes(fast, graphs, memory, way, layer.views());
            compare(name, actual, expected.failed() ? inDouble() : expected, way);
            addDamage(memory, name);
        }
    }

    /** What Deeplearning4j computes in double, where it does not in float; a failure if in neither. */
    private Passes inDouble() {
        if (inDouble == null) {
            inDouble = computeInDouble();
        }
        return inDouble;
    }

    private Passes computeInDouble() {
        LayerCaseGraph graphs = new LayerCaseGraph(layer, DataType.DOUBLE);
        try (GuardedMemory parameters = new GuardedMemory()) {
            return stockPasses(graphs.create(parameters), graphs);
        }
    }

    private void compare(String name, Passes actual, Passes expected, Way way) {
        if (actual.failed() || expected.failed()) {
            boolean mayFail = expected.failed()
                    || isOnlyInDouble(expected)
                    || expected.arrays().get("activation").isEmpty();
            if (!mayFail) {
                problems.add(name + " fails: " + describe(actual.failure()));
            } else if (!actual.failed()) {
                problems.add(name + " runs where Deeplearning4j's own fails: " + describe(expected.failure()));
            }
            return;
        }
        double largest = Math.max(largest(expected.arrays()), largest(expected.gradients()));
        for (String key : expected.arrays().keySet()) {
            if (way != Way.WITHOUT_INPUT || !key.equals("error")) {
                compare(
                        name,
                        key,
                        actual.arrays().get(key),
                        expected,
                        passes -> passes.arrays().get(key),
                        largest);
            }
        }
        for (String key : expected.gradients().keySet()) {
            Function<Passes, INDArray> wanted = passes -> gradient(passes, key, way);
            compare(name, key, actual.gradients().get(key), expected, wanted, 0);
        }
        if (!actual.gradients().keySet().equals(expected.gradients().keySet())) {
            problems.add(name + ": gradients of " + actual.gradients().keySet());
        }
    }

    /** What the gradient array holds after a backward pass. */
    private static INDArray gradient(Passes passes, String key, Way way) {
        INDArray gradient = passes.gradients().get(key);
        return way == Way.ADDING ? gradient.add(FOUND) : gradient;
    }

    private static double largest(Map<String, INDArray> arrays) {
        return arrays.values().stream()
                .mapToDouble(array -> ArrayDifference.of(array, array).largestExpected())
                .max()
                .orElse(0);
    }

    private boolean isOnlyInDouble(Passes expected) {
        return layer.type() == DataType.FLOAT
                && expected.arrays().get("activation").dataType() == DataType.DOUBLE;
    }

    /** @param part of what a layer computes, the array to compare */
    private void compare(
            String name,
            String key,
            INDArray actual,
            Passes expected,
            Function<Passes, INDArray> part,
            double largest) {
        INDArray wanted = part.apply(expected).castTo(layer.type());
        if (actual == null) {
            problems.add(name + ": no " + key);
        } else if (!isNear(actual, wanted, largest) && !isAsExact(actual, wanted, part, largest)) {
            problems.add(name + ", " + key + ": " + ArrayDifference.of(actual, wanted));
        }
    }

    private boolean isNear(INDArray actual, INDArray expected, double largest) {
        double tolerance = layer.type() == DataType.DOUBLE ? DOUBLE : FLOAT;
        return ArrayDifference.of(actual, expected).isWithin(tolerance, tolerance * OF_LARGEST * largest);
    }

    /** Whether a float array is no farther from what Deeplearning4j computes in double than twice its own in float is. */
    private boolean isAsExact(INDArray actual, INDArray expected, Function<Passes, INDArray> part, double largest) {
        if (layer.type() != DataType.FLOAT || inDouble().failed()) {
            return false;
        }
        INDArray exact = part.apply(inDouble());
        ArrayDifference own = ArrayDifference.of(expected.castTo(DataType.DOUBLE), exact);
        ArrayDifference fast = ArrayDifference.of(actual.castTo(DataType.DOUBLE), exact);
        return fast.isWithin(0, 2 * own.largestDifference() + FLOAT * OF_LARGEST * largest);
    }

    private void addDamage(GuardedMemory memory, String name) {
        if (!memory.damage().isEmpty()) {
            problems.add(name + " writes" + memory.damage());
        }
    }

    /**
     * @param memory for everything that the layer sees
     * @param views whether it sees arrays that are not in row-major order
     */
    private Passes passes(Layer run, LayerCaseGraph graphs, GuardedMemory memory, Way way, boolean views) {
        try {
            return successfulPasses(run, graphs, memory, way, views);
        } catch (RuntimeException e) {
            return Passes.failed(e);
        } finally {
            run.clear();
        }
    }

    private Passes successfulPasses(
            Layer run, LayerCaseGraph graphs, GuardedMemory workspaces, Way way, boolean views) {
        Map<String, INDArray> arrays = new LinkedHashMap<>();
        run.setInput(passed(graphs.input(), workspaces, views), workspaces);
        arrays.put("inference", run.activate(false, workspaces).dup('c'));
        run.clear();
        if (run.numParams() > 0) {
            long[] shape = {1, run.numParams()};
            DataType type = graphs.input().dataType();
            run.setBackpropGradientsViewArray(workspaces.array(type, shape, 'c').assign(FOUND));
        }
        if (run instanceof AddsGradients adding) {
            adding.addGradients(way == Way.ADDING);
        }
        if (run instanceof PostponesGradient postponing) {
            postponing.postponeGradient(way == Way.POSTPONED);
        }
        run.setInput(passed(graphs.input(), workspaces, views), workspaces);
        INDArray activation = run.activate(true, workspaces);
        arrays.put("activation", activation.dup('c'));
        INDArray error = graphs.error(activation.shape());
        if (run instanceof BaseOutputLayer<?> output) {
            output.setLabels(error);
        }
        INDArray passed = run instanceof BaseOutputLayer<?> ? null : passed(error, workspaces, views);
        if (way == Way.WITHOUT_INPUT) {
            return new Passes(arrays, copies(((GradientAlone) run).gradient(passed, workspaces)), null);
        }
        Pair<Gradient, INDArray> result = run.backpropGradient(passed, workspaces);
        arrays.put("error", result.getSecond().dup('c'));
        Gradient gradient = result.getFirst();
        if (way == Way.POSTPONED) {
            Gradient postponed = ((PostponesGradient) run).postponedGradient(workspaces);
            gradient = postponed == null ? gradient : postponed;
        }
        return new Passes(arrays, copies(gradient), null);
    }

    /** A copy of an array as a layer gets it. */
    private static INDArray passed(INDArray array, GuardedMemory memory, boolean view) {
        if (!view) {
            return memory.copyOf(array);
        }
        return switch (array.rank()) {
            case 4 -> memory.copyOf(array.permute(0, 2, 3, 1)).permute(0, 3, 1, 2);
            case 3 -> memory.copyOf(array.permute(0, 2, 1)).permute(0, 2, 1);
            default -> memory.copyOf(array.transpose()).transpose();
        };
    }

    private static Map<String, INDArray> copies(Gradient gradient) {
        Map<String, INDArray> copies = new TreeMap<>();
        gradient.gradientForVariable().forEach((name, array) -> copies.put(name, array.dup('c')));
        return copies;
    }

    /** Compares outputs of the whole graph; false if Deeplearning4j fails. */
    private boolean inference(ComputationGraph stock, LayerCaseGraph graphs) {
        INDArray input = graphs.input();
        INDArray expected;
        announce.accept("Deeplearning4j's own inference");
        try {
            expected = stock.outputSingle(input);
        } catch (RuntimeException e) {
            return false;
        }
        if (hasEmptyWindow(stock, input)) {
            return false;
        }
        announce.accept("inference");
        runs++;
        try {
            INDArray actual = InferenceGraph.of(stock, Kernels.FAST).outputSingle(input);
            if (!isNear(actual, expected, 0)) {
                problems.add("inference: " + ArrayDifference.of(actual, expected));
            }
        } catch (RuntimeException e) {
            problems.add("inference fails: " + describe(e));
        }
        return true;
    }

    /**
     * Whether a pooling window has found nothing, as happens with dilation in ND4J. It puts the lowest number there is. What
     * a convolution then adds up depends on the order.
     */
    private static boolean hasEmptyWindow(ComputationGraph graph, INDArray input) {
        INDArray activation = graph.feedForward(input, false).get("layer");
        return ArrayDifference.of(activation, activation).largestExpected() >= Float.MAX_VALUE;
    }

    private static String describe(RuntimeException e) {
        StringBuilder text =
                new StringBuilder(String.valueOf(e).lines().findFirst().orElse(""));
        for (StackTraceElement frame : e.getStackTrace()) {
            if (frame.getClassName().startsWith("io.github.dl4jpipeline")) {
                return text.append(" at ").append(frame).toString();
            }
        }
        return text.toString();
    }
}
