package io.github.dl4jpipeline;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.data.Percentage.withPercentage;

import io.github.dl4jpipeline.device.Devices;
import io.github.dl4jpipeline.graph.SameGradient;
import io.github.dl4jpipeline.internal.graph.ArrayDifference;
import io.github.dl4jpipeline.internal.graph.Vertex;
import io.github.dl4jpipeline.internal.graph.VertexGraph;
import io.github.dl4jpipeline.internal.stage.GraphCopier;
import io.github.dl4jpipeline.partition.PartitionPlan;
import io.github.dl4jpipeline.partition.Stage;
import io.github.dl4jpipeline.profile.GraphProfile;
import io.github.dl4jpipeline.profile.MachineSpeed;
import io.github.dl4jpipeline.profile.PassTimes;
import io.github.dl4jpipeline.profile.VertexBytes;
import io.github.dl4jpipeline.profile.VertexCost;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Collections;
import java.util.List;
import java.util.Map;
import java.util.Random;
import java.util.function.IntFunction;
import org.deeplearning4j.nn.graph.ComputationGraph;
import org.nd4j.linalg.api.buffer.DataType;
import org.nd4j.linalg.api.ndarray.INDArray;
import org.nd4j.linalg.dataset.api.MultiDataSet;

/** Compares pipelined training with plain fit, one parameter array after the other. */
public final class SameResult {
    private static IntFunction<Devices> planDevices = Devices::cpu;

    private SameResult() {}

    /** Which devices plans are for, by their number. */
    static void planOn(IntFunction<Devices> devices) {
        planDevices = devices;
    }

    /** max |a - b| / max |b| over one array; infinite where shape, type, NaN or infinities differ. */
    public static double difference(INDArray actual, INDArray expected) {
        return ArrayDifference.of(actual, expected).relative();
    }

    /** Asserts that two tables have the same names in the same order, and that each array is the same to a relative difference. */
    public static void assertSame(Map<String, INDArray> actual, Map<String, INDArray> expected, double tolerance) {
        assertThat(actual.keySet()).containsExactlyElementsOf(expected.keySet());
        for (Map.Entry<String, INDArray> entry : expected.entrySet()) {
            assertThat(difference(actual.get(entry.getKey()), entry.getValue()))
                    .as(entry.getKey())
                    .isLessThanOrEqualTo(tolerance);
        }
    }

    /** Asserts that two graphs have the same parameters, updater state, score and counts. */
    public static void assertSame(ComputationGraph actual, ComputationGraph expected, double tolerance) {
        assertSame(actual.paramTable(), expected.paramTable(), tolerance);
        // Rounding to float alone may change a score by some 1e-7.
        double ofScore = expected.params().dataType() == DataType.FLOAT ? 1e-6 : 1e-8;
        assertThat(actual.score()).isCloseTo(expected.score(), withPercentage(100 * ofScore));
        assertThat(actual.getIterationCount()).isEqualTo(expected.getIterationCount());
        assertThat(actual.getEpochCount()).isEqualTo(expected.getEpochCount());
        INDArray state = expected.getUpdater().getStateViewArray();
        if (state != null) {
            assertThat(difference(actual.getUpdater().getStateViewArray(), state))
                    .as("updater state")
                    .isLessThanOrEqualTo(tolerance);
        }
    }

    /** An independent copy. Deeplearning4j's clone fails for graphs whose layers were frozen by a call. */
    public static ComputationGraph copy(ComputationGraph graph) {
        return GraphCopier.independent(graph);
    }

    /** Trains a copy of {@code graph} with plain fit, one step for each batch. */
    public static ComputationGraph plain(ComputationGraph graph, List<MultiDataSet> batches) {
        ComputationGraph copy = copy(graph);
        batches.forEach(copy::fit);
        return copy;
    }

    /** The gradient, before the updater, of {@code graph} for a batch: a copy, by parameter. */
    public static Map<String, INDArray> gradient(ComputationGraph graph, MultiDataSet batch) {
        graph.initGradientsView();
        graph.setInputs(batch.getFeatures());
        graph.setLabels(batch.getLabels());
        graph.setLayerMaskArrays(batch.getFeaturesMaskArrays(), batch.getLabelsMaskArrays());
        graph.computeGradientAndScore();
        Map<String, INDArray> copy = new java.util.LinkedHashMap<>();
        graph.gradient().gradientForVariable().forEach((name, array) -> copy.put(name, array.dup()));
        graph.clearLayerMaskArrays();
        graph.clearLayersStates();
        return copy;
    }

    /** The same in double, from the same parameters and batch. */
    public static Map<String, INDArray> gradientInDouble(ComputationGraph graph, MultiDataSet batch) {
        return gradient(
                copy(graph).convertDataType(DataType.DOUBLE),
                new org.nd4j.linalg.dataset.MultiDataSet(
                        inDouble(batch.getFeatures()),
                        inDouble(batch.getLabels()),
                        batch.getFeaturesMaskArrays(),
                        batch.getLabelsMaskArrays()));
    }

    private static INDArray[] inDouble(INDArray[] arrays) {
        return Arrays.stream(arrays).map(array -> array.castTo(DataType.DOUBLE)).toArray(INDArray[]::new);
    }

    /** Asserts that a gradient is that of plain fit, as invariant 1 says it. {@code graph} is not changed. */
    public static void assertSameGradient(Map<String, INDArray> actual, ComputationGraph graph, MultiDataSet batch) {
        SameGradient same = SameGradient.of(actual, gradient(copy(graph), batch), () -> gradientInDouble(graph, batch));
        assertThat(same.different()).isEmpty();
    }

    /** A profile in which all vertices take the same time, so that plans do not depend on the machine. */
    public static GraphProfile evenProfile(ComputationGraph graph, int examples) {
        return evenProfile(graph, examples, MachineSpeed.UNKNOWN);
    }

    /** The same on a machine. */
    public static GraphProfile evenProfile(ComputationGraph graph, int examples, MachineSpeed machine) {
        VertexGraph vertices = VertexGraph.of(graph);
        List<VertexCost> costs = new ArrayList<>();
        for (Vertex vertex : vertices.vertices()) {
            double millis = vertex.role() == Vertex.Role.INPUT ? 0 : 50;
            List<String> inputs = vertex.inputs().stream()
                    .map(input -> vertices.get(input).name())
                    .toList();
            costs.add(new VertexCost(
                    vertex.name(),
                    inputs,
                    new PassTimes(millis, 0, millis),
                    new PassTimes(2 * millis, 0, 2 * millis),
                    new VertexBytes(1_000, 1_000, 1_000, 1_000)));
        }
        return new GraphProfile(examples, "cpu-0", 1, machine, Map.of(), costs);
    }

    /** A plan that cuts the topological order into equal parts. */
    public static PartitionPlan evenPlan(ComputationGraph graph, int stages, int microBatches) {
        return evenPlan(graph, Collections.nCopies(stages, 1), microBatches);
    }

    /** A plan that cuts the topological order into equal parts, with so many replicas each. */
    public static PartitionPlan evenPlan(ComputationGraph graph, List<Integer> replicas, int microBatches) {
        int stages = replicas.size();
        VertexGraph vertices = VertexGraph.of(graph);
        int[] stageOf = new int[vertices.size()];
        for (int position = 0; position < vertices.size(); position++) {
            stageOf[position] = position * stages / vertices.size();
        }
        return plan(vertices, stageOf, replicas, microBatches);
    }

    /** A plan's stages on fewer devices, dealt out to them in turn. */
    public static PartitionPlan inTurn(PartitionPlan plan, int devices) {
        Devices shared = planDevices.apply(devices);
        List<Stage> stages = new ArrayList<>();
        for (int stage = 0; stage < plan.stages().size(); stage++) {
            stages.add(Stage.of(
                    shared.get(stage % devices), plan.stages().get(stage).vertices()));
        }
        return PartitionPlan.of(stages, plan.microBatches());
    }

    /** A plan whose stages compute their activations again. */
    public static PartitionPlan recomputing(PartitionPlan plan) {
        return PartitionPlan.of(plan.stages().stream().map(Stage::recomputing).toList(), plan.microBatches());
    }

    /** A random plan: any assignment in which activations flow to the same or a later stage. */
    public static PartitionPlan randomPlan(ComputationGraph graph, int stages, int microBatches, long seed) {
        VertexGraph vertices = VertexGraph.of(graph);
        Random random = new Random(seed);
        while (true) {
            int[] stageOf = new int[vertices.size()];
            for (Vertex vertex : vertices.vertices()) {
                int earliest = vertex.inputs().stream()
                        .mapToInt(input -> stageOf[input])
                        .max()
                        .orElse(0);
                int later = random.nextInt(3) == 0 ? random.nextInt(stages - earliest) : 0;
                stageOf[vertex.position()] = earliest + later;
            }
            if (Arrays.stream(stageOf).distinct().count() == stages) {
                return plan(vertices, stageOf, Collections.nCopies(stages, 1), microBatches);
            }
        }
    }

    private static PartitionPlan plan(VertexGraph vertices, int[] stageOf, List<Integer> replicas, int microBatches) {
        Devices devices =
                planDevices.apply(replicas.stream().mapToInt(Integer::intValue).sum());
        int used = 0;
        List<Stage> planned = new ArrayList<>();
        for (int stage = 0; stage < replicas.size(); stage++) {
            List<String> names = new ArrayList<>();
            for (Vertex vertex : vertices.vertices()) {
                if (stageOf[vertex.position()] == stage) {
                    names.add(vertex.name());
                }
            }
            planned.add(Stage.of(devices.list().subList(used, used + replicas.get(stage)), names));
            used += replicas.get(stage);
        }
        return PartitionPlan.of(planned, microBatches);
    }
}
