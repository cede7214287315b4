package io.github.dl4jpipeline.internal.engine;

import io.github.dl4jpipeline.graph.Kernels;
import io.github.dl4jpipeline.internal.engine.EngineCase.Neighbours;
import io.github.dl4jpipeline.internal.graph.ArrayDifference;
import io.github.dl4jpipeline.internal.layers.KernelChoice;
import io.github.dl4jpipeline.internal.stage.CopyPasses;
import io.github.dl4jpipeline.internal.stage.CopyPasses.Results;
import io.github.dl4jpipeline.internal.stage.CopyPasses.Way;
import io.github.dl4jpipeline.internal.stage.MicroBatch;
import java.util.ArrayList;
import java.util.IdentityHashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.function.Function;
import org.deeplearning4j.nn.graph.ComputationGraph;
import org.nd4j.linalg.api.buffer.DataType;
import org.nd4j.linalg.api.ndarray.INDArray;

/** Runs a case with the engine beside Deeplearning4j's own layers: activations, errors, parameter gradients, in every way. */
final class EngineComparison {
    private static final double FLOAT = 2e-5;

    /** Of the largest value of all arrays, which sums that cancel out are off by. */
    private static final double OF_LARGEST = 1e-6;

    private static final double FOUND = 0.5;

    private final EngineCase layer;
    private final int examples;
    private final List<String> problems = new ArrayList<>();
    private int taken;
    private final List<String> refused = new ArrayList<>();

    /** What Deeplearning4j's own layers compute of each batch. */
    private final IdentityHashMap<MicroBatch, Results> own = new IdentityHashMap<>();

    /** The same in double. */
    private final IdentityHashMap<MicroBatch, Results> exact = new IdentityHashMap<>();

    private EngineComparison(EngineCase layer, int examples) {
        this.layer = layer;
        this.examples = examples;
    }

    /**
     * What came of a case.
     *
     * @param taken how many of its graphs the engine has run the layer in
     * @param refused why Deeplearning4j refuses graphs of it, or fails
     */
    record Outcome(int taken, List<String> refused, List<String> problems) {}

    static Outcome of(EngineCase layer, int examples) {
        EngineComparison comparison = new EngineComparison(layer, examples);
        for (Neighbours neighbours : Neighbours.values()) {
            comparison.compare(neighbours);
        }
        return new Outcome(comparison.taken, comparison.refused, comparison.problems);
    }

    private void compare(Neighbours neighbours) {
        ComputationGraph graph;
        try {
            graph = layer.graph(DataType.FLOAT, neighbours);
        } catch (RuntimeException e) {
            refused.add(neighbours + ": " + e);
            return;
        }
        try (CopyPasses stock = new CopyPasses(graph, KernelChoice.all(Kernels.STOCK), false);
                CopyPasses engine = new CopyPasses(graph, KernelChoice.all(Kernels.FAST), true)) {
            MicroBatch batch = layer.batch(graph, examples, 11);
            MicroBatch last = layer.batch(graph, Math.max(1, examples - 1), 13);
            compare(neighbours, stock, engine, batch, Way.USUAL);
            if (problems.isEmpty()) {
                compare(neighbours, stock, engine, last, Way.SPLIT);
                compare(neighbours, stock, engine, batch, Way.ADDING);
                compareInference(neighbours, stock, engine, batch);
            }
        }
    }

    private void compare(Neighbours neighbours, CopyPasses stock, CopyPasses engine, MicroBatch batch, Way way) {
        String name = neighbours + " " + way;
        Results expected;
        try {
            expected = own.computeIfAbsent(batch, same -> stock.train(same.copy(), Way.USUAL, FOUND));
        } catch (RuntimeException e) {
            refused.add(name + ": " + e);
            compareFailure(neighbours, engine, batch, e);
            stock.close();
            return;
        }
        Results actual;
        try {
            actual = engine.train(batch.copy(), way, FOUND);
        } catch (RuntimeException e) {
            StackTraceElement at = e.getStackTrace().length == 0 ? null : e.getStackTrace()[0];
            problems.add(name + " fails: " + e + " at " + at);
            return;
        }
        if (actual.blocked().contains("layer")) {
            taken++;
        }
        compare(
                name + ", activation of ",
                actual.activations(),
                expected.activations(),
                Results::activations,
                batch,
                neighbours);
        compare(name + ", error of ", actual.errors(), expected.errors(), Results::errors, batch, neighbours);
        compare(
                name + ", gradient of ",
                actual.gradients(),
                way == Way.ADDING ? added(engine, expected.gradients()) : expected.gradients(),
                way == Way.ADDING ? results -> added(engine, results.gradients()) : Results::gradients,
                batch,
                neighbours);
    }

    /** What gradient arrays hold after gradients were added to them. */
    private static Map<String, INDArray> added(CopyPasses engine, Map<String, INDArray> gradients) {
        Map<String, INDArray> added = new java.util.TreeMap<>();
        gradients.forEach((name, array) ->
                added.put(name, engine.adds(name.substring(0, name.indexOf('_'))) ? array.add(FOUND) : array));
        return added;
    }

    /** The engine leaves to Deeplearning4j what that refuses, but other code in float may run where it only does in double. */
    private void compareFailure(Neighbours neighbours, CopyPasses engine, MicroBatch batch, RuntimeException expected) {
        try {
            engine.train(batch.copy(), Way.USUAL, FOUND);
        } catch (RuntimeException e) {
            engine.close();
            return;
        }
        try {
            inDouble(batch, neighbours);
        } catch (RuntimeException e) {
            problems.add(neighbours + " runs where Deeplearning4j's own fails: " + expected);
        }
    }

    private void compareInference(Neighbours neighbours, CopyPasses stock, CopyPasses engine, MicroBatch batch) {
        if (refused.isEmpty()) {
            Map<String, INDArray> expected = stock.infer(batch.copy()).activations();
            compare(
                    neighbours + " inference, ",
                    engine.infer(batch.copy()).activations(),
                    expected,
                    null,
                    batch,
                    neighbours);
        }
    }

    private void compare(
            String name,
            Map<String, INDArray> actual,
            Map<String, INDArray> expected,
            Function<Results, Map<String, INDArray>> part,
            MicroBatch batch,
            Neighbours neighbours) {
        Set<String> names = actual.keySet();
        if (!names.equals(expected.keySet())) {
            problems.add(name + names + " instead of " + expected.keySet());
            return;
        }
        double largest = expected.values().stream()
                .mapToDouble(array -> ArrayDifference.of(array, array).largestExpected())
                .max()
                .orElse(0);
        expected.forEach((key, array) -> {
            ArrayDifference difference = ArrayDifference.of(actual.get(key), array);
            if (!difference.isWithin(FLOAT, OF_LARGEST * largest)
                    && !(part != null && isAsExact(actual.get(key), array, key, part, batch, neighbours, largest))) {
                problems.add(name + key + ": " + difference);
            }
        });
    }

    /** Whether it is no farther from what Deeplearning4j computes in double than twice its own in float is. */
    private boolean isAsExact(
            INDArray actual,
            INDArray expected,
            String key,
            Function<Results, Map<String, INDArray>> part,
            MicroBatch batch,
            Neighbours neighbours,
            double largest) {
        INDArray exact = part.apply(inDouble(batch, neighbours)).get(key);
        ArrayDifference own = ArrayDifference.of(expected.castTo(DataType.DOUBLE), exact);
        ArrayDifference other = ArrayDifference.of(actual.castTo(DataType.DOUBLE), exact);
        return other.isWithin(0, 2 * own.largestDifference() + OF_LARGEST * largest);
    }

    /** What Deeplearning4j computes in double. */
    private Results inDouble(MicroBatch batch, Neighbours neighbours) {
        return exact.computeIfAbsent(batch, same -> computeInDouble(same, neighbours));
    }

    private Results computeInDouble(MicroBatch batch, Neighbours neighbours) {
        ComputationGraph graph = layer.graph(DataType.DOUBLE, neighbours);
        graph.params().assign(layer.graph(DataType.FLOAT, neighbours).params());
        MicroBatch inDouble = new MicroBatch(
                new INDArray[] {batch.features()[0].castTo(DataType.DOUBLE)},
                new INDArray[] {batch.labels()[0].castTo(DataType.DOUBLE)},
                null,
                null,
                0,
                batch.examples(),
                null);
        try (CopyPasses passes = new CopyPasses(graph, KernelChoice.all(Kernels.STOCK), false)) {
            return passes.train(inDouble, Way.USUAL, FOUND);
        }
    }
}
