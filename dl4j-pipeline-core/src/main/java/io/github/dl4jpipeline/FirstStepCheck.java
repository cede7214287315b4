package io.github.dl4jpipeline;

import io.github.dl4jpipeline.device.DeviceRuntime;
import io.github.dl4jpipeline.graph.SameGradient;
import io.github.dl4jpipeline.graph.SameGradient.Compared;
import io.github.dl4jpipeline.internal.device.DeviceThread;
import io.github.dl4jpipeline.internal.device.Uninterruptibly;
import io.github.dl4jpipeline.internal.execute.StepResult;
import io.github.dl4jpipeline.internal.stage.MicroBatch;
import io.github.dl4jpipeline.internal.stage.PlainGradient;
import io.github.dl4jpipeline.partition.PartitionPlan;
import io.github.dl4jpipeline.report.Verification;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.concurrent.Callable;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.concurrent.ExecutionException;
import java.util.stream.Collectors;
import org.deeplearning4j.nn.graph.ComputationGraph;
import org.deeplearning4j.nn.graph.vertex.GraphVertex;
import org.jspecify.annotations.Nullable;
import org.nd4j.linalg.api.buffer.DataType;
import org.nd4j.linalg.api.ndarray.INDArray;
import org.nd4j.linalg.factory.Nd4j;

/** Compares the first step of each plan with plain Deeplearning4j's, which a thread computes that ends with it. */
final class FirstStepCheck {
    private static final int MOST_NAMED = 20;

    private record Done(PartitionPlan plan, Verification verification) {}

    private final ComputationGraph graph;
    private final DeviceRuntime runtime;
    private final List<Done> done = new CopyOnWriteArrayList<>();

    FirstStepCheck(ComputationGraph graph, DeviceRuntime runtime) {
        this.graph = graph;
        this.runtime = runtime;
    }

    /** What was found for a plan; empty before its first step. */
    Optional<Verification> of(PartitionPlan plan) {
        return done.stream()
                .filter(checked -> checked.plan().runsLike(plan))
                .map(Done::verification)
                .findFirst();
    }

    /** Whether the next step of a plan is to be compared. */
    boolean isDue(PartitionPlan plan) {
        return of(plan).isEmpty();
    }

    /**
     * Compares a step.
     *
     * @param result whose gradient is on the host, as the parameters are
     * @throws DifferentResultException if it is not the same; the plan's next step is due as well
     */
    void check(PartitionPlan plan, MicroBatch batch, StepResult result) {
        Verification verification = inOwnThread(() -> compare(batch, result));
        if (!verification.isSame()) {
            throw new DifferentResultException(message(plan, verification), verification);
        }
        done.add(new Done(plan, verification));
    }

    private Verification compare(MicroBatch batch, StepResult result) {
        DataType type = graph.params().dataType();
        try (PlainGradient plain = PlainGradient.of(graph, batch, type);
                InDouble inDouble = new InDouble(batch)) {
            SameGradient gradient = SameGradient.of(
                    ofParameters(result.gradient().gradientForVariable()),
                    ofParameters(plain.arrays()),
                    inDouble::arrays);
            Compared score = SameGradient.score(result.score(), plain.score(), type, inDouble::score);
            return new Verification(gradient, score, inDouble.failure);
        }
    }

    /** Without what layers say besides: of locked gamma and beta, where memory has been used again. */
    private Map<String, INDArray> ofParameters(Map<String, INDArray> gradient) {
        Map<String, INDArray> arrays = new LinkedHashMap<>(gradient);
        arrays.keySet().retainAll(graph.paramTable().keySet());
        return arrays;
    }

    /** The gradient in double, computed when it is asked for. */
    private final class InDouble implements AutoCloseable {
        private final MicroBatch batch;
        private @Nullable PlainGradient gradient;
        private String failure = "";

        InDouble(MicroBatch batch) {
            this.batch = batch;
        }

        private @Nullable PlainGradient gradient() {
            if (gradient == null && failure.isEmpty()) {
                try {
                    gradient = PlainGradient.of(graph, batch, DataType.DOUBLE);
                } catch (RuntimeException e) {
                    failure = "the graph does not run in double: " + e;
                }
            }
            return gradient;
        }

        Map<String, INDArray> arrays() {
            PlainGradient computed = gradient();
            return computed == null ? Map.of() : computed.arrays();
        }

        double score() {
            PlainGradient computed = gradient();
            return computed == null ? Double.NaN : computed.score();
        }

        @Override
        public void close() {
            if (gradient != null) {
                gradient.close();
            }
        }
    }

    /**
     * Workspaces and random numbers of the calling thread stay as they are. Waits also when interrupted: the batch may only
     * live as long as this call.
     */
    private <T> T inOwnThread(Callable<T> work) {
        DeviceThread thread = DeviceThread.onHost(runtime, "pipeline-verification");
        try {
            return Uninterruptibly.get(thread.submit(() -> {
                try {
                    return work.call();
                } finally {
                    Nd4j.getWorkspaceManager().destroyAllWorkspacesForCurrentThread();
                }
            }));
        } catch (ExecutionException e) {
            if (e.getCause() instanceof Error error) {
                throw error;
            }
            throw new IllegalStateException(
                    "Plain Deeplearning4j cannot compute the first step, with which the pipeline's is to be compared; train"
                            + " without verifyFirstStep(): " + e.getCause(),
                    e.getCause());
        } finally {
            thread.close();
            Uninterruptibly.join(thread.thread());
        }
    }

    private String message(PartitionPlan plan, Verification verification) {
        List<Compared> different = verification.different();
        String lines = different.stream()
                .limit(MOST_NAMED)
                .map(compared -> "\n  " + compared + layer(compared.name()))
                .collect(Collectors.joining());
        int left = different.size() - MOST_NAMED;
        return "The first step with this plan (" + plan.summary() + ") differs from plain Deeplearning4j's, beyond"
                + " roundings, in " + different.size() + " of " + (verification.arrays() + 1)
                + " values (parameter arrays and score); nothing has been changed:" + lines
                + (left > 0 ? "\n  and " + left + " more" : "")
                + (verification.noDouble().isEmpty()
                        ? ""
                        : "\nNot compared with double, since " + verification.noDouble())
                + "\nSee with which of kernels(Kernels.STOCK), microBatches(1) and stages(1) it is the same, and please report"
                + " it with the graph's configuration. Layers that draw random numbers of their own, other than by dropout"
                + " and weight noise, always differ: train those without verifyFirstStep().";
    }

    /** In which layer or vertex an array is; empty if there is none of this name. */
    private String layer(String array) {
        for (GraphVertex vertex : graph.getVertices()) {
            String prefix = vertex.getVertexName() + "_";
            if (array.startsWith(prefix) && vertex.paramTable(false).containsKey(array.substring(prefix.length()))) {
                Object part = vertex.hasLayer() ? vertex.getLayer() : vertex;
                return " (" + part.getClass().getSimpleName() + ")";
            }
        }
        return "";
    }
}
