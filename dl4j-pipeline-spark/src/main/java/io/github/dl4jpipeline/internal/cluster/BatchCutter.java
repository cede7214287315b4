package io.github.dl4jpipeline.internal.cluster;

import io.github.dl4jpipeline.graph.VertexGraph;
import io.github.dl4jpipeline.internal.stage.MicroBatch;
import io.github.dl4jpipeline.partition.PartitionPlan;
import java.io.Serializable;
import java.util.List;
import org.deeplearning4j.nn.conf.ComputationGraphConfiguration;
import org.jspecify.annotations.Nullable;
import org.nd4j.linalg.api.ndarray.INDArray;
import org.nd4j.linalg.dataset.api.MultiDataSet;

/** Cuts batches into what each worker needs of them. */
public final class BatchCutter implements Serializable {
    private static final long serialVersionUID = 1;

    private final List<BatchNeeds> workers;
    private final int microBatches;
    private final List<String> inputs;
    private final List<String> outputs;

    /** For the workers of a plan. */
    public BatchCutter(VertexGraph vertices, ComputationGraphConfiguration configuration, PartitionPlan plan) {
        this.workers = BatchNeeds.of(vertices, configuration, plan);
        this.microBatches = plan.microBatches();
        this.inputs = List.copyOf(configuration.getNetworkInputs());
        this.outputs = List.copyOf(configuration.getNetworkOutputs());
    }

    /** How many workers there are. */
    public int workers() {
        return workers.size();
    }

    /** A worker's piece of a batch, as bytes. A batch that cannot be trained becomes a piece that says why. */
    public byte[] piece(int worker, MultiDataSet batch) {
        String reason = reasonAgainst(batch);
        if (reason != null) {
            return BatchPiece.refusal(reason);
        }
        MicroBatch whole = MicroBatch.whole(
                batch.getFeatures(), batch.getLabels(), batch.getFeaturesMaskArrays(), batch.getLabelsMaskArrays());
        return BatchPiece.write(whole, microBatches, workers.get(worker));
    }

    private @Nullable String reasonAgainst(MultiDataSet batch) {
        String ofFeatures = reason("features", "inputs", inputs, batch.getFeatures(), true);
        return ofFeatures != null ? ofFeatures : reason("labels", "outputs", outputs, batch.getLabels(), false);
    }

    private static @Nullable String reason(
            String arrays, String what, List<String> names, @Nullable INDArray @Nullable [] given, boolean needed) {
        int count = given == null ? 0 : given.length;
        if (count != names.size()) {
            return "The batch has " + (count == 0 ? "no " : count + " arrays of ") + arrays
                    + ", but the network needs one for each of its " + what + ": " + names;
        }
        for (int i = 0; i < count; i++) {
            if (needed && (given[i] == null || given[i].isEmpty())) {
                return "The batch has no " + arrays + " for '" + names.get(i) + "'";
            }
        }
        return null;
    }
}
