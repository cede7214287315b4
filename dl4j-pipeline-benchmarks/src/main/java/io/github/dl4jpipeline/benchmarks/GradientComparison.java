package io.github.dl4jpipeline.benchmarks;

import io.github.dl4jpipeline.PipelineBuilder;
import io.github.dl4jpipeline.PipelineComputationGraph;
import io.github.dl4jpipeline.cli.io.InputException;
import io.github.dl4jpipeline.cli.model.RandomBatch;
import io.github.dl4jpipeline.device.Devices;
import io.github.dl4jpipeline.graph.Kernels;
import io.github.dl4jpipeline.graph.SameGradient;
import io.github.dl4jpipeline.graph.Vertex;
import io.github.dl4jpipeline.graph.VertexGraph;
import io.github.dl4jpipeline.internal.partition.TextTable;
import io.github.dl4jpipeline.internal.stage.GraphCopier;
import io.github.dl4jpipeline.partition.PartitionPlan;
import io.github.dl4jpipeline.partition.Stage;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Collections;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.concurrent.Callable;
import org.deeplearning4j.nn.graph.ComputationGraph;
import org.jspecify.annotations.Nullable;
import org.nd4j.linalg.api.buffer.DataType;
import org.nd4j.linalg.api.ndarray.INDArray;
import org.nd4j.linalg.dataset.DataSet;
import picocli.CommandLine.Command;
import picocli.CommandLine.ExitCode;
import picocli.CommandLine.Option;

/**
 * The gradient of one batch in float: of plain {@code fit} and of pipelines, each against plain {@code fit} in double. Plain
 * {@code fit} with the examples in the opposite order, which is the same but for roundings, shows how much these matter.
 */
@Command(
        name = "gradients",
        description = "Gradients of plain fit and of pipelines in float, against plain fit in double.",
        mixinStandardHelpOptions = true,
        showDefaultValues = true)
final class GradientComparison implements Callable<Integer> {
    @Option(
            names = "--model",
            description = "squeezenet, xception, inception-resnet-v1, resnet50 of the zoo, or an example's name.")
    private String model = "squeezenet";

    @Option(names = "--size", description = "Height and width of images, for a model of the zoo. 0: the usual.")
    private int size = 0;

    @Option(names = "--batch", description = "Examples of the batch.")
    private int batch = 4;

    @Option(names = "--kernels", split = ",", description = "${COMPLETION-CANDIDATES}; several, with commas between.")
    private List<Kernels> kernels = List.of(Kernels.values());

    @Option(
            names = "--stages",
            description =
                    "Number of stages with as many vertices each, without a profile. Default: the planner chooses.")
    private @Nullable Integer stages;

    @Option(names = "--micro-batches", description = "Number of micro-batches. Default: the planner chooses, or 1.")
    private @Nullable Integer microBatches;

    @Option(names = "--seed", description = "Of parameters and batch.")
    private int seed = 42;

    @Option(names = "--layers", description = "Also print the errors of each layer.")
    private boolean layers = false;

    @Override
    public Integer call() {
        if (batch < 1 || size < 0) {
            System.err.println("--batch must be at least 1 and --size at least 0, got " + batch + " and " + size);
            return ExitCode.USAGE;
        }
        if ((stages != null && stages < 1) || (microBatches != null && microBatches < 1)) {
            System.err.println(
                    "--stages and --micro-batches must be at least 1, got " + stages + " and " + microBatches);
            return ExitCode.USAGE;
        }
        GradientModel chosen;
        try {
            chosen = GradientModel.of(model, size, seed);
        } catch (InputException e) {
            System.err.println(e.getMessage());
            return ExitCode.USAGE;
        }
        compare(chosen.graph(), RandomBatch.of(chosen.shape(), batch, seed));
        return ExitCode.OK;
    }

    private void compare(ComputationGraph graph, DataSet data) {
        GradientRun inDouble =
                GradientRun.of(GraphCopier.independent(graph).convertDataType(DataType.DOUBLE), data, layers);
        GradientRun plain = GradientRun.of(GraphCopier.independent(graph), data, layers);
        double largest = inDouble.gradient().values().stream()
                .mapToDouble(GradientRun::largest)
                .max()
                .orElse(0);
        System.out.printf(
                Locale.ROOT,
                "%s, batch %d of %s, seed %d: %d arrays, the largest gradient is %.3g%n",
                model,
                batch,
                Arrays.toString(data.getFeatures().shape()),
                seed,
                inDouble.gradient().size(),
                largest);
        TextTable table = new TextTable(
                "",
                "as plain",
                "as near double",
                "over",
                "distance/plain's, median",
                "90 %",
                "largest",
                "most of its bound");
        addRow(table, "plain, examples turned round", gradientOfTurned(graph, data), plain, inDouble);
        Map<String, GradientRun> runs = new LinkedHashMap<>();
        runs.put("plain", plain);
        for (Kernels some : kernels) {
            GradientRun run = ofPipeline(graph, data, some);
            String name = some.name().toLowerCase(Locale.ROOT);
            addRow(table, "pipeline, " + name, run, plain, inDouble);
            runs.put(name, run);
        }
        System.out.print(table);
        if (layers) {
            System.out.print(ofLayers(graph, runs, inDouble));
        }
    }

    private static GradientRun gradientOfTurned(ComputationGraph graph, DataSet data) {
        DataSet turned = new DataSet(turned(data.getFeatures()), turned(data.getLabels()));
        return GradientRun.of(GraphCopier.independent(graph), turned, false);
    }

    private static INDArray turned(INDArray array) {
        INDArray result = array.dup();
        for (long i = 0; i < array.size(0); i++) {
            result.slice(i).assign(array.slice(array.size(0) - 1 - i));
        }
        return result;
    }

    private GradientRun ofPipeline(ComputationGraph graph, DataSet data, Kernels some) {
        PipelineBuilder builder =
                PipelineComputationGraph.builder(GraphCopier.independent(graph)).kernels(some);
        if (stages != null) {
            builder.plan(evenPlan(graph, stages, microBatches == null ? 1 : microBatches));
        } else if (microBatches != null) {
            builder.microBatches(microBatches);
        }
        try (PipelineComputationGraph pipeline = builder.build()) {
            return GradientRun.of(pipeline, data, layers);
        }
    }

    private static PartitionPlan evenPlan(ComputationGraph graph, int count, int microBatches) {
        List<String> names = VertexGraph.of(graph).names();
        Devices devices = Devices.cpu(count);
        List<Stage> planned = new ArrayList<>();
        for (int stage = 0; stage < count; stage++) {
            int from = stage * names.size() / count;
            int to = (stage + 1) * names.size() / count;
            planned.add(Stage.of(devices.get(stage), names.subList(from, to)));
        }
        return PartitionPlan.of(planned, microBatches);
    }

    private static void addRow(TextTable table, String name, GradientRun run, GradientRun plain, GradientRun inDouble) {
        SameGradient same = SameGradient.of(run.gradient(), plain.gradient(), inDouble::gradient);
        List<Double> ratios = new ArrayList<>();
        inDouble.gradient().forEach((array, exact) -> {
            double ofPlain = GradientRun.distance(plain.gradient().get(array), exact);
            double distance = GradientRun.distance(run.gradient().get(array), exact);
            ratios.add(distance == ofPlain ? 1 : distance / ofPlain);
        });
        long over = same.different().size();
        long nearDouble = same.arrays().stream()
                .filter(array -> array.isSame() && array.withDouble())
                .count();
        table.row(
                name,
                "" + (same.arrays().size() - over - nearDouble),
                "" + nearDouble,
                "" + over,
                ratio(PredictedRun.quantile(ratios, 0.5)),
                ratio(PredictedRun.quantile(ratios, 0.9)),
                ratio(Collections.max(ratios)),
                same.worst().toString());
    }

    private static String ratio(double value) {
        return String.format(Locale.ROOT, "%.2f", value);
    }

    /** Errors against double: of the activations that leave a vertex, and of its parameter gradients. */
    private static TextTable ofLayers(ComputationGraph graph, Map<String, GradientRun> runs, GradientRun inDouble) {
        List<String> heading = new ArrayList<>(List.of("vertex"));
        runs.keySet().forEach(name -> heading.add("activation, " + name));
        runs.keySet().forEach(name -> heading.add("gradient, " + name));
        TextTable table = new TextTable(heading.toArray(String[]::new));
        for (Vertex vertex : VertexGraph.of(graph).vertices()) {
            if (vertex.role() != Vertex.Role.INPUT) {
                List<String> row = new ArrayList<>(List.of(vertex.name()));
                runs.values().forEach(run -> row.add(error(run.activationError(vertex.name(), inDouble))));
                runs.values().forEach(run -> row.add(error(run.gradientError(vertex.name(), inDouble))));
                table.row(row.toArray(String[]::new));
            }
        }
        return table;
    }

    private static String error(double value) {
        return Double.isNaN(value) ? "" : String.format(Locale.ROOT, "%.1e", value);
    }
}
