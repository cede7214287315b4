package io.github.dl4jpipeline.internal.inference;

import io.github.dl4jpipeline.device.Devices;
import io.github.dl4jpipeline.graph.BatchNormStatistics;
import io.github.dl4jpipeline.graph.KernelCode;
import io.github.dl4jpipeline.graph.Kernels;
import io.github.dl4jpipeline.internal.graph.ExampleCoupling;
import io.github.dl4jpipeline.internal.layers.KernelChoice;
import io.github.dl4jpipeline.internal.stage.InferenceGraph;
import io.github.dl4jpipeline.internal.stage.MicroBatch;
import io.github.dl4jpipeline.internal.tiling.TiledRegion;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.function.BiFunction;
import org.deeplearning4j.nn.graph.ComputationGraph;
import org.jspecify.annotations.Nullable;
import org.nd4j.linalg.api.memory.MemoryWorkspace;
import org.nd4j.linalg.api.ndarray.INDArray;
import org.nd4j.linalg.dataset.MultiDataSet;
import org.nd4j.linalg.factory.Nd4j;

/**
 * Runs a graph forward, for inference, on copies of the graph that share its parameters: parts of a batch at the same time,
 * one on each device. With fewer examples than devices, independent vertices of the graph run at the same time, if that
 * turns out to be faster. A batch for which neither is possible runs in the calling thread. Copies and threads are made at
 * the first use. Calls run one after the other.
 */
public final class Inference implements AutoCloseable {
    private final ComputationGraph graph;
    private final Devices devices;
    private final Set<Class<?>> exampleIndependent;
    private final List<InferenceGraph> copies = new ArrayList<>();

    /** By number of examples. */
    private final Map<Long, ForwardChoice> choices = new HashMap<>();

    private KernelChoice code;
    private @Nullable DeviceWorkers workers;
    private @Nullable TiledRegion tiles;
    private @Nullable TiledInference tiled;
    private @Nullable InferenceGraph whole;

    /**
     * @param graph an initialised graph
     * @param exampleIndependent classes for which the user vouches
     */
    public Inference(ComputationGraph graph, Devices devices, Kernels kernels, Set<Class<?>> exampleIndependent) {
        this.graph = graph;
        this.devices = devices;
        this.code = KernelChoice.all(kernels);
        this.exampleIndependent = exampleIndependent;
    }

    /** Vertices that {@link #outputs} runs in tiles, on all devices, instead of splitting the batch; null for none. */
    public synchronized void useTiles(@Nullable TiledRegion region) {
        tiles = region;
    }

    /** Vertices whose fast code has failed, and which run with Deeplearning4j's own. */
    public synchronized void useStock(Set<String> vertices) {
        KernelChoice other = KernelChoice.all(code.kernels());
        for (String vertex : vertices) {
            other = other.with(vertex, KernelCode.STOCK);
        }
        if (!other.equals(code)) {
            release();
            code = other;
        }
    }

    /** The copy that runs in the calling thread. */
    private ComputationGraph whole() {
        if (whole == null) {
            whole = InferenceGraph.of(graph, code);
            if (devices.size() > 1) {
                workers = new DeviceWorkers(devices);
                boolean splittable = ExampleCoupling.in(graph, BatchNormStatistics.PER_MICRO_BATCH, exampleIndependent)
                        .isEmpty();
                for (int i = 0; splittable && i < devices.size(); i++) {
                    copies.add(InferenceGraph.of(graph, code));
                }
            }
        }
        return whole;
    }

    /**
     * The network outputs for a batch, without labels.
     *
     * @param target an open workspace for the outputs, or null for none
     */
    public synchronized INDArray[] outputs(MicroBatch batch, @Nullable MemoryWorkspace target) {
        if (tiles != null) {
            if (tiled == null) {
                tiled = new TiledInference(graph, devices, code, tiles);
            }
            return tiled.outputs(batch, target);
        }
        ComputationGraph whole = whole();
        if (workers == null || batch.examples() >= devices.size()) {
            return outputsOfParts(whole, batch, target);
        }
        ForwardChoice choice =
                choices.computeIfAbsent(batch.examples(), examples -> new ForwardChoice(graph, code, workers));
        return choice.outputs(batch, target, () -> outputsOfParts(whole, batch, target));
    }

    private INDArray[] outputsOfParts(ComputationGraph whole, MicroBatch batch, @Nullable MemoryWorkspace target) {
        List<MicroBatch> parts = parts(batch);
        if (parts.size() == 1) {
            return whole.output(false, batch.features(), batch.featureMasks(), batch.labelMasks(), target);
        }
        List<INDArray[]> ofParts = inParallel(
                parts, (copy, part) -> copy.output(false, part.features(), part.featureMasks(), part.labelMasks()));
        if (!hasRowOfEachExample(parts, ofParts)) {
            copies.clear(); // so that later batches are not split either
            return outputsOfParts(whole, batch, target);
        }
        INDArray[] outputs = new INDArray[whole.getNumOutputArrays()];
        try (MemoryWorkspace ignored = OutputWorkspace.open(target)) {
            for (int i = 0; i < outputs.length; i++) {
                int output = i;
                outputs[i] = Nd4j.concat(
                        0, ofParts.stream().map(arrays -> arrays[output]).toArray(INDArray[]::new));
            }
        }
        return outputs;
    }

    /** Else, as where time steps are rows, the rows of examples need not follow each other, and parts cannot be joined. */
    private static boolean hasRowOfEachExample(List<MicroBatch> parts, List<INDArray[]> ofParts) {
        for (int part = 0; part < parts.size(); part++) {
            for (INDArray output : ofParts.get(part)) {
                if (output.size(0) != parts.get(part).examples()) {
                    return false;
                }
            }
        }
        return true;
    }

    /** The score of a batch, as {@code ComputationGraph.score} without training gives it. */
    public synchronized double score(MicroBatch batch) {
        ComputationGraph whole = whole();
        // Without division by the number of examples, some layers give sums and some means.
        boolean isMean = whole.conf().isMiniBatch();
        List<MicroBatch> parts = isMean ? parts(batch) : List.of(batch);
        if (parts.size() == 1) {
            return score(whole, batch);
        }
        List<Double> scores = inParallel(parts, (copy, part) -> score(copy, part) * part.examples() / batch.examples());
        return scores.stream().mapToDouble(Double::doubleValue).sum();
    }

    /** Forgets the labels afterwards: by their number a graph would reshape the next batch, if it comes without labels. */
    private static double score(ComputationGraph graph, MicroBatch batch) {
        try {
            return graph.score(dataOf(batch), false);
        } finally {
            graph.clear();
        }
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
        return workers.all(
                parts.size(),
                part -> function.apply(copies.get(part), parts.get(part).copy()));
    }

    @Override
    public synchronized void close() {
        release();
    }

    private void release() {
        choices.values().forEach(ForwardChoice::close);
        choices.clear();
        copies.forEach(InferenceGraph::release);
        copies.clear();
        if (whole != null) {
            whole.release();
        }
        whole = null;
        if (workers != null) {
            workers.close();
            workers = null;
        }
        if (tiled != null) {
            tiled.close();
            tiled = null;
        }
    }
}
