package io.github.dl4jpipeline.cli.infer;

import io.github.dl4jpipeline.branch.BranchInference;
import io.github.dl4jpipeline.branch.BranchOutput;
import io.github.dl4jpipeline.branch.BranchPart;
import io.github.dl4jpipeline.branch.BranchParts;
import io.github.dl4jpipeline.branch.FoldedGraph;
import io.github.dl4jpipeline.cli.infer.LatencyFigures.Projection;
import io.github.dl4jpipeline.cli.infer.LatencyFigures.SystemFigures;
import io.github.dl4jpipeline.cli.infer.LatencyFigures.VertexFigures;
import io.github.dl4jpipeline.cli.io.Progress;
import io.github.dl4jpipeline.cli.model.NamedModel;
import io.github.dl4jpipeline.device.Devices;
import io.github.dl4jpipeline.graph.Kernels;
import io.github.dl4jpipeline.internal.graph.ArrayDifference;
import io.github.dl4jpipeline.internal.stage.InferenceGraph;
import java.io.PrintWriter;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import org.deeplearning4j.nn.graph.ComputationGraph;
import org.nd4j.linalg.api.buffer.DataType;
import org.nd4j.linalg.api.ndarray.INDArray;
import org.nd4j.linalg.factory.Nd4j;

/**
 * Measures a network and its branches side by side: they take turns run by run, so that whatever else the machine does
 * slows them alike. Some runs to warm up are not counted. All use the same code for layers; with the fast kernels, the
 * original is measured with Deeplearning4j's own layers as well, as a user without this project runs it.
 */
public final class LatencyComparison {
    private static final int WARM_UP = 3;
    private static final String FIRST_BRANCH = "branch0-";

    private final NamedModel original;
    private final ComputationGraph branched;
    private final Kernels kernels;
    private final INDArray images;
    private final int cores = Runtime.getRuntime().availableProcessors();

    /**
     * A comparison.
     *
     * @param branched a branched network for the same images
     * @param batch images of each run; their content is noise
     */
    public LatencyComparison(NamedModel original, ComputationGraph branched, Kernels kernels, int batch, long seed) {
        this.original = original;
        this.branched = branched;
        this.kernels = kernels;
        Nd4j.getRandom().setSeed(seed);
        this.images = Nd4j.rand(DataType.FLOAT, original.images().features(batch));
    }

    /**
     * Measures.
     *
     * @param runs number of measured runs of each system
     * @param byVertex whether to take the times of vertices as well, in runs of their own
     * @param err takes the progress
     */
    public LatencyFigures run(int runs, boolean byVertex, PrintWriter err) {
        try (BranchInference inference = BranchInference.of(branched, Devices.cpu(cores), kernels);
                BoundThread oneCore = new BoundThread(Devices.cpu(cores).get(0));
                BoundThread allCores = new BoundThread(Devices.cpu(1).get(0))) {
            ComputationGraph whole = forInference(original.graph());
            MeasuredSystem onOne = new MeasuredSystem("original", 1, () -> oneCore.run(() -> whole.output(images)));
            MeasuredSystem onAll =
                    new MeasuredSystem("original", cores, () -> allCores.run(() -> whole.output(images)));
            ComputationGraph own = original.graph();
            MeasuredSystem stock =
                    new MeasuredSystem("original, stock layers", 1, () -> oneCore.run(() -> own.output(images)));
            MeasuredSystem parallel = new MeasuredSystem("branches", cores, () -> inference.output(images));
            List<MeasuredSystem> alone = alone(oneCore);

            List<MeasuredSystem> systems = new ArrayList<>(List.of(onOne, parallel));
            if (cores > 1) {
                systems.add(1, onAll);
            }
            systems.addAll(alone);
            if (kernels != Kernels.STOCK) {
                systems.add(0, stock);
            }
            takeTurns(systems, runs, err);
            List<VertexFigures> vertices = byVertex ? vertices(oneCore, whole, runs) : List.of();
            return figures(inference.run(images), systems, stock, onOne, parallel, alone, runs, vertices);
        }
    }

    private List<MeasuredSystem> alone(BoundThread oneCore) {
        List<BranchPart> parts = BranchParts.of(branched);
        List<INDArray> activations = new ArrayList<>();
        List<MeasuredSystem> alone = new ArrayList<>();
        for (BranchPart part : parts) {
            ComputationGraph graph = forInference(part.graph());
            boolean isHead = alone.size() == parts.size() - 1;
            INDArray[] inputs = isHead ? activations.toArray(INDArray[]::new) : new INDArray[] {images};
            activations.add(graph.outputSingle(inputs));
            alone.add(new MeasuredSystem(part.title() + " alone", 1, () -> oneCore.run(() -> graph.output(inputs))));
        }
        return alone;
    }

    /** Vertices of the original, and those of the same name in the first branch. */
    private List<VertexFigures> vertices(BoundThread oneCore, ComputationGraph whole, int runs) {
        VertexLatencies original = new VertexLatencies(whole, images);
        ComputationGraph first = forInference(BranchParts.of(branched).get(0).graph());
        VertexLatencies branch = new VertexLatencies(first, images);
        for (int run = -WARM_UP; run < runs; run++) {
            boolean counts = run >= 0;
            oneCore.run(() -> original.run(counts));
            oneCore.run(() -> branch.run(counts));
        }
        Map<String, Double> branchMillis = branch.minMillis();
        List<VertexFigures> figures = new ArrayList<>();
        original.minMillis()
                .forEach((name, millis) ->
                        figures.add(new VertexFigures(name, millis, branchMillis.get(FIRST_BRANCH + name))));
        return figures;
    }

    private ComputationGraph forInference(ComputationGraph graph) {
        // The same preparation for all, so that only the split makes the difference.
        ComputationGraph prepared = kernels == Kernels.STOCK ? graph : FoldedGraph.of(graph);
        return InferenceGraph.of(prepared, kernels);
    }

    private static void takeTurns(List<MeasuredSystem> systems, int runs, PrintWriter err) {
        try (Progress progress = new Progress(err, "infer", (long) (WARM_UP + runs) * systems.size())) {
            for (int run = -WARM_UP; run < runs; run++) {
                for (MeasuredSystem system : systems) {
                    system.run(run >= 0);
                    progress.step(" " + system.name());
                }
            }
        }
    }

    private LatencyFigures figures(
            BranchOutput output,
            List<MeasuredSystem> systems,
            MeasuredSystem stock,
            MeasuredSystem onOne,
            MeasuredSystem parallel,
            List<MeasuredSystem> alone,
            int runs,
            List<VertexFigures> vertices) {
        int branches = alone.size() - 1;
        double slowest = alone.subList(0, branches).stream()
                .mapToDouble(MeasuredSystem::medianMillis)
                .max()
                .orElseThrow();
        double head = alone.get(branches).medianMillis();
        double difference = ArrayDifference.of(output.output(), branched.outputSingle(images))
                .largestDifference();
        return new LatencyFigures(
                original.name(),
                branches,
                original.parameters(),
                branched.numParams(),
                (int) images.size(0),
                runs,
                cores,
                kernels.name().toLowerCase(Locale.ROOT),
                parallel.medianMillis(),
                onOne.medianMillis() / parallel.medianMillis(),
                (kernels == Kernels.STOCK ? onOne : stock).medianMillis() / parallel.medianMillis(),
                output.inputBytes(),
                output.activationBytes(),
                difference,
                systems.stream().map(SystemFigures::of).toList(),
                new Projection(branches, slowest, head, slowest + head, onOne.medianMillis() / (slowest + head)),
                vertices);
    }
}
