package io.github.dl4jpipeline.branch;

import io.github.dl4jpipeline.device.Device;
import io.github.dl4jpipeline.internal.device.DeviceThread;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import org.deeplearning4j.nn.graph.ComputationGraph;
import org.nd4j.linalg.api.ndarray.INDArray;

/** Runs one branch in a thread of its own, which is bound to a device for its life. */
final class BranchWorker implements AutoCloseable {
    private final String title;
    private final List<Integer> inputs;
    private final ComputationGraph graph;
    private final DeviceThread thread;

    /**
     * The thread starts with the first input.
     *
     * @param title of the branch, for errors
     * @param inputs which of the network's inputs the branch reads
     * @param graph the branch; nobody else runs it
     */
    BranchWorker(String title, Device device, List<Integer> inputs, ComputationGraph graph) {
        this.title = title + " on " + device.id();
        this.inputs = inputs;
        this.graph = graph;
        this.thread = DeviceThread.on(device, this.title);
    }

    /** The activations that leave the branch; it runs in the branch's thread. */
    CompletableFuture<INDArray> output(INDArray... networkInputs) {
        return thread.submit(() -> run(networkInputs));
    }

    private INDArray run(INDArray... networkInputs) {
        try {
            // A copy on the device, since some layers work in place.
            INDArray[] own =
                    inputs.stream().map(input -> networkInputs[input].dup()).toArray(INDArray[]::new);
            return graph.output(own)[0];
        } catch (RuntimeException | Error e) {
            throw new IllegalStateException(title + " failed: " + e.getMessage(), e);
        }
    }

    @Override
    public void close() {
        thread.close();
    }
}
