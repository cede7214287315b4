package io.github.dl4jpipeline.execute;

import io.github.dl4jpipeline.device.CpuRuntime;
import io.github.dl4jpipeline.device.Device;
import io.github.dl4jpipeline.device.Devices;
import io.github.dl4jpipeline.graph.BatchNormStatistics;
import io.github.dl4jpipeline.graph.ExampleCoupling;
import io.github.dl4jpipeline.kernel.GraphCopies;
import io.github.dl4jpipeline.kernel.Kernels;
import io.github.dl4jpipeline.kernel.MicroBatch;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.function.BiFunction;
import org.deeplearning4j.nn.graph.ComputationGraph;
import org.jspecify.annotations.Nullable;
import org.nd4j.linalg.api.memory.MemoryWorkspace;
import org.nd4j.linalg.api.memory.abstracts.DummyWorkspace;
import org.nd4j.linalg.api.ndarray.INDArray;
import org.nd4j.linalg.dataset.MultiDataSet;
import org.nd4j.linalg.factory.Nd4j;

/**
 * Runs a graph forward, for inference: parts of a batch at the same time, one on each device, on copies of the graph that
 * share its parameters. A batch that cannot be split, or of a single example, runs in the calling thread. Copies and
 * threads are made at the first use.
 */
public final class Inference implements AutoCloseable {
    private final ComputationGraph graph;
    private final Devices devices;
    private final Kernels kernels;
    private final List<ComputationGraph> copies = new ArrayList<>();
    private final List<ExecutorService> workers = new ArrayList<>();
    private @Nullable ComputationGraph whole;

    /** @param graph an initialised graph */
    public Inference(ComputationGraph graph, Devices devices, Kernels kernels) {
        this.graph = graph;
        this.devices = devices;
        this.kernels = kernels;
    }

    /** The copy that runs in the calling thread. */
    private ComputationGraph whole() {
        if (whole == null) {
            whole = GraphCopies.forInference(graph, kernels);
            boolean splittable = ExampleCoupling.in(graph, BatchNormStatistics.PER_MICRO_BATCH)
                    .isEmpty();
            if (splittable && devices.size() > 1) {
                devices.list().forEach(this::startWorker);
            }
        }
        return whole;
    }

    private void startWorker(Device device) {
        copies.add(GraphCopies.forInference(graph, kernels));
        workers.add(Executors.newSingleThreadExecutor(task -> {
            Runnable bound = () -> {
                CpuRuntime.bindCurrentThread(device);
                task.run();
            };
            Thread thread = new Thread(bound, "inference-" + device.id());
            thread.setDaemon(true);
            return thread;
        }));
    }

    /**
     * The network outputs for a batch, without labels.
     *
     * @param target an open workspace for the outputs, or null for none
     */
    public synchronized INDArray[] outputs(MicroBatch batch, @Nullable MemoryWorkspace target) {
        ComputationGraph whole = whole();
        List<MicroBatch> parts = parts(batch);
        if (parts.size() == 1) {
            return whole.output(false, batch.features(), batch.featureMasks(), batch.labelMasks(), target);
        }
        List<INDArray[]> ofParts = inParallel(
                parts, (copy, part) -> copy.output(false, part.features(), part.featureMasks(), part.labelMasks()));
        INDArray[] outputs = new INDArray[whole.getNumOutputArrays()];
        try (MemoryWorkspace ignored = open(target)) {
            for (int i = 0; i < outputs.length; i++) {
                int output = i;
                outputs[i] = Nd4j.concat(
                        0, ofParts.stream().map(arrays -> arrays[output]).toArray(INDArray[]::new));
            }
        }
        return outputs;
    }

    private static MemoryWorkspace open(@Nullable MemoryWorkspace target) {
        return target == null || target instanceof DummyWorkspace
                ? Nd4j.getWorkspaceManager().scopeOutOfWorkspaces()
                : target.notifyScopeBorrowed();
    }

    /** The score of a batch, as {@code ComputationGraph.score} without training gives it. */
    public synchronized double score(MicroBatch batch) {
        ComputationGraph whole = whole();
        // Without division by the number of examples, some layers give sums and some means.
        boolean isMean = whole.conf().isMiniBatch();
        List<MicroBatch> parts = isMean ? parts(batch) : List.of(batch);
        if (parts.size() == 1) {
            return whole.score(dataOf(batch), false);
        }
        List<Double> scores =
                inParallel(parts, (copy, part) -> copy.score(dataOf(part), false) * part.examples() / batch.examples());
        return scores.stream().mapToDouble(Double::doubleValue).sum();
    }

    private static MultiDataSet dataOf(MicroBatch batch) {
        return new MultiDataSet(batch.features(), batch.labels(), batch.featureMasks(), batch.labelMasks());
    }

    private List<MicroBatch> parts(MicroBatch batch) {
        return copies.isEmpty() ? List.of(batch) : batch.split(copies.size());
    }

    /**
     * @param function takes a graph, and a part in arrays that belong to no workspace
     * @return the results, in the order of the examples
     */
    private <T> List<T> inParallel(List<MicroBatch> parts, BiFunction<ComputationGraph, MicroBatch, T> function) {
        List<Future<T>> futures = new ArrayList<>();
        List<T> results = new ArrayList<>();
        int threads = devices.list().stream().mapToInt(Device::threads).max().orElse(1);
        try (CpuRuntime.Limit ignored = CpuRuntime.limitThreads(threads)) {
            for (int i = 0; i < parts.size(); i++) {
                ComputationGraph copy = copies.get(i);
                MicroBatch part = parts.get(i);
                futures.add(workers.get(i).submit(() -> function.apply(copy, part.copy())));
            }
            Throwable failure = null;
            for (Future<T> future : futures) {
                try {
                    results.add(resultOf(future));
                } catch (RuntimeException | Error e) {
                    failure = failure == null ? e : failure; // the others still read the batch
                }
            }
            if (failure instanceof Error error) {
                throw error;
            }
            if (failure != null) {
                throw (RuntimeException) failure;
            }
        }
        return results;
    }

    /** Waits even if interrupted, since the parts read arrays of the caller. */
    private static <T> T resultOf(Future<T> future) {
        boolean interrupted = false;
        try {
            while (true) {
                try {
                    return future.get();
                } catch (InterruptedException e) {
                    interrupted = true;
                } catch (ExecutionException e) {
                    if (e.getCause() instanceof RuntimeException cause) {
                        throw cause; // what the graph itself would throw
                    }
                    if (e.getCause() instanceof Error cause) {
                        throw cause;
                    }
                    throw new IllegalStateException(e.getCause());
                }
            }
        } finally {
            if (interrupted) {
                Thread.currentThread().interrupt();
            }
        }
    }

    @Override
    public synchronized void close() {
        workers.forEach(ExecutorService::shutdown);
    }
}
