package io.github.dl4jpipeline.branch;

import io.github.dl4jpipeline.device.Device;
import io.github.dl4jpipeline.device.Devices;
import io.github.dl4jpipeline.graph.Kernels;
import io.github.dl4jpipeline.internal.device.WholeProcess;
import io.github.dl4jpipeline.internal.exception.Given;
import io.github.dl4jpipeline.internal.stage.InferenceGraph;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CompletionException;
import java.util.stream.Stream;
import org.deeplearning4j.nn.graph.ComputationGraph;
import org.nd4j.linalg.api.ndarray.INDArray;

/**
 * Runs a branched network with its branches at the same time, each on its own device: for the shortest time to one answer.
 * The result is that of {@code graph.output}.
 *
 * <p>Each branch has a thread, and a copy of its part of the parameters as they are now. Any number of threads may call;
 * their inputs queue at the branches. The last branch to finish an input runs the head.
 */
public final class BranchInference implements AutoCloseable {
    private final List<String> inputNames;
    private final List<BranchWorker> workers = new ArrayList<>();
    private final ComputationGraph head;
    private final int threads;
    private volatile boolean closed;

    private BranchInference(ComputationGraph branched, Devices devices, Kernels kernels) {
        WholeProcess.prepare();
        inputNames = List.copyOf(branched.getConfiguration().getNetworkInputs());
        threads = devices.list().stream().mapToInt(Device::threads).max().orElseThrow();
        List<BranchPart> parts = BranchParts.of(branched);
        for (BranchPart part : parts.subList(0, parts.size() - 1)) {
            ComputationGraph graph = part.graph();
            List<Integer> inputs = graph.getConfiguration().getNetworkInputs().stream()
                    .map(inputNames::indexOf)
                    .toList();
            workers.add(new BranchWorker(
                    part.title(), devices.get(workers.size() % devices.size()), inputs, prepared(graph, kernels)));
        }
        head = prepared(parts.get(parts.size() - 1).graph(), kernels);
    }

    private static ComputationGraph prepared(ComputationGraph part, Kernels kernels) {
        return InferenceGraph.of(kernels == Kernels.STOCK ? part : FoldedGraph.of(part), kernels);
    }

    /**
     * With the fast kernels. Batch normalization is folded into the convolution before it.
     *
     * @param branched an initialised graph
     * @param devices those that branches are put on, one after the other; if there are fewer, some have several
     * @throws IllegalArgumentException if the graph has no independent branches; the message names what connects them
     */
    public static BranchInference of(ComputationGraph branched, Devices devices) {
        return of(branched, devices, Kernels.FAST);
    }

    /** With these kernels; see {@link #of(ComputationGraph, Devices)}. */
    public static BranchInference of(ComputationGraph branched, Devices devices, Kernels kernels) {
        return new BranchInference(
                Given.notNull("branched", branched),
                Given.notNull("devices", devices),
                Given.notNull("kernels", kernels));
    }

    public int branches() {
        return workers.size();
    }

    /**
     * The network's output.
     *
     * @param inputs the network's inputs in their order, {@code [batch, …]} each
     * @throws IllegalStateException if a branch fails; the message names branch and device. Or if this is closed
     */
    public INDArray output(INDArray... inputs) {
        return run(inputs).output();
    }

    /** The network's output, and what the branches exchanged for it; see {@link #output}. */
    public BranchOutput run(INDArray... inputs) {
        if (closed) {
            throw new IllegalStateException("This inference is closed");
        }
        if (inputs.length != inputNames.size()) {
            throw new IllegalArgumentException(
                    "The network has the inputs " + inputNames + ", got " + inputs.length + " arrays");
        }
        INDArray[] given = inputs.clone();
        try (WholeProcess.Limit ignored = WholeProcess.limitThreads(threads)) {
            List<CompletableFuture<INDArray>> branches =
                    workers.stream().map(worker -> worker.output(given)).toList();
            // All of them, even after a failure: they read the caller's arrays.
            return CompletableFuture.allOf(branches.toArray(CompletableFuture[]::new))
                    .thenApply(done -> runHead(given, branches))
                    .join();
        } catch (CompletionException e) {
            if (e.getCause() instanceof RuntimeException failure) {
                throw failure;
            }
            throw e;
        }
    }

    private BranchOutput runHead(INDArray[] inputs, List<CompletableFuture<INDArray>> branches) {
        INDArray[] activations = branches.stream().map(CompletableFuture::join).toArray(INDArray[]::new);
        long inputBytes = bytes(inputs);
        long activationBytes = bytes(activations);
        synchronized (head) {
            return new BranchOutput(head.output(activations)[0], inputBytes, activationBytes);
        }
    }

    private static long bytes(INDArray... arrays) {
        return Stream.of(arrays)
                .mapToLong(array -> array.length() * array.dataType().width())
                .sum();
    }

    /** Lets the threads end. Calls that have begun are finished. */
    @Override
    public void close() {
        closed = true;
        workers.forEach(BranchWorker::close);
    }
}
