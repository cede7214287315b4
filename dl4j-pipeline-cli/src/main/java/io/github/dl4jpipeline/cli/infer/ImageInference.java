package io.github.dl4jpipeline.cli.infer;

import io.github.dl4jpipeline.branch.BranchInference;
import io.github.dl4jpipeline.branch.BranchLayout;
import io.github.dl4jpipeline.branch.BranchOutput;
import io.github.dl4jpipeline.cli.data.ImageBatches;
import io.github.dl4jpipeline.cli.data.ImageData;
import io.github.dl4jpipeline.cli.io.Progress;
import io.github.dl4jpipeline.cli.model.NamedModel;
import io.github.dl4jpipeline.device.Devices;
import io.github.dl4jpipeline.graph.Kernels;
import io.github.dl4jpipeline.internal.stage.InferenceGraph;
import java.io.PrintWriter;
import java.util.function.Function;
import org.deeplearning4j.nn.graph.ComputationGraph;
import org.nd4j.evaluation.classification.Evaluation;
import org.nd4j.linalg.api.ndarray.INDArray;
import org.nd4j.linalg.dataset.DataSet;

/** Classifies test images, batch after batch; a branched network has its branches in parallel, one on each core. */
public final class ImageInference {
    private ImageInference() {}

    /**
     * Classifies the test images.
     *
     * @param err takes the progress
     */
    public static InferenceFigures run(NamedModel model, ImageData data, int batch, Kernels kernels, PrintWriter err) {
        ComputationGraph graph = model.graph();
        if (!isBranched(graph)) {
            ComputationGraph copy = InferenceGraph.of(graph, kernels);
            return run(model, 1, data, batch, err, images -> new BranchOutput(copy.outputSingle(images), 0, 0));
        }
        Devices cores = Devices.cpu();
        try (BranchInference inference = BranchInference.of(graph, cores, kernels)) {
            return run(model, inference.branches(), data, batch, err, inference::run);
        }
    }

    private static boolean isBranched(ComputationGraph graph) {
        try {
            return BranchLayout.of(graph.getConfiguration()).branches().size() > 1;
        } catch (IllegalArgumentException e) {
            return false;
        }
    }

    private static InferenceFigures run(
            NamedModel model,
            int branches,
            ImageData data,
            int batch,
            PrintWriter err,
            Function<INDArray, BranchOutput> network) {
        ImageBatches batches = ImageBatches.inOrder(data.test(), batch);
        Evaluation evaluation = new Evaluation(model.images().classes());
        Latencies latencies = new Latencies();
        long exchanged = 0;
        try (Progress progress = new Progress(err, "infer", batches.batches())) {
            while (batches.hasNext()) {
                DataSet images = batches.next();
                long start = System.nanoTime();
                BranchOutput output = network.apply(images.getFeatures());
                latencies.add(System.nanoTime() - start);
                evaluation.eval(images.getLabels(), output.output());
                exchanged = Math.max(exchanged, output.exchangedBytes());
                progress.step("");
            }
        }
        return new InferenceFigures(
                model.name(),
                model.parameters(),
                branches,
                data.name(),
                data.test().size(),
                batch,
                evaluation.accuracy(),
                latencies.medianMillis(),
                exchanged);
    }
}
