package io.github.dl4jpipeline.benchmarks;

import io.github.dl4jpipeline.PipelineBuilder;
import io.github.dl4jpipeline.PipelineComputationGraph;
import io.github.dl4jpipeline.device.Device;
import io.github.dl4jpipeline.device.Devices;
import io.github.dl4jpipeline.partition.PartitionPlan;
import io.github.dl4jpipeline.partition.Stage;
import io.github.dl4jpipeline.plan.PlanOptions;
import io.github.dl4jpipeline.plan.Planner;
import io.github.dl4jpipeline.profile.GraphProfile;
import io.github.dl4jpipeline.profile.GraphProfiler;
import io.github.dl4jpipeline.report.PipelineReport;
import io.github.dl4jpipeline.report.StepTimeline;
import io.github.dl4jpipeline.schedule.Schedules;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Locale;
import java.util.Optional;
import java.util.concurrent.Callable;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import org.deeplearning4j.nn.conf.NeuralNetConfiguration;
import org.deeplearning4j.nn.conf.inputs.InputType;
import org.deeplearning4j.nn.conf.layers.ConvolutionLayer;
import org.deeplearning4j.nn.conf.layers.DenseLayer;
import org.deeplearning4j.nn.conf.layers.OutputLayer;
import org.deeplearning4j.nn.conf.layers.SubsamplingLayer;
import org.deeplearning4j.nn.graph.ComputationGraph;
import org.nd4j.linalg.activations.Activation;
import org.nd4j.linalg.api.ndarray.INDArray;
import org.nd4j.linalg.dataset.DataSet;
import org.nd4j.linalg.factory.Nd4j;
import org.nd4j.linalg.learning.config.Nesterovs;
import picocli.CommandLine.Command;
import picocli.CommandLine.Parameters;

/** Makes the pictures of docs/reading-a-report.md: four runs of one network, of each the timeline of its fastest step. */
@Command(
        name = "report-pictures",
        description = "Four runs of one network, well planned and not, and pictures of their timelines.",
        mixinStandardHelpOptions = true)
final class ReportPictures implements Callable<Integer> {
    private static final int EXAMPLES = 256;
    private static final int MICRO_BATCHES = 4;
    private static final int CLASSES = 10;
    private static final int WARM = 8;
    private static final int STEPS = 40;

    private static final Pattern STYLE = Pattern.compile("<style>(.*?)</style>", Pattern.DOTALL);
    private static final Pattern TIMELINE =
            Pattern.compile("<svg ([^>]*aria-labelledby=\"timeline\".*?)</svg>", Pattern.DOTALL);

    @Parameters(paramLabel = "DIR", description = "Where the pictures go.")
    private Path directory = Path.of(".");

    private final Devices devices = Devices.cpu(2);
    private final DataSet batch = batch();

    @Override
    public Integer call() throws IOException {
        Files.createDirectories(directory);
        GraphProfile profile = GraphProfiler.profile(graph(), batch);
        PlanOptions options = PlanOptions.defaults()
                .withExamples(EXAMPLES)
                .withStages(2)
                .withMicroBatches(MICRO_BATCHES)
                .withSchedule(Schedules.oneForwardOneBackward());
        PartitionPlan planned = Planner.plan(profile, devices, options);
        draw("good", builder().plan(planned));
        draw("bubble", builder().plan(Planner.plan(profile, devices, options.withMicroBatches(1))));
        draw("memory", memoryBound(profile, options));
        draw("unbalanced", builder().plan(unbalanced(planned)));
        return 0;
    }

    private PipelineBuilder builder() {
        return PipelineComputationGraph.builder(graph()).devices(devices);
    }

    /** Devices with just the memory that stages need which compute their activations again. */
    private PipelineBuilder memoryBound(GraphProfile profile, PlanOptions options) {
        PartitionPlan least = Planner.plan(profile, devices, options.withRecompute(Optional.of(true)));
        Device[] small = least.stages().stream()
                .map(stage -> {
                    Device all = stage.device();
                    return new Device(
                            all.id(), all.kind(), all.cores(), stage.memoryBytes() * 102 / 100, all.relativeSpeed());
                })
                .toArray(Device[]::new);
        return builder().plan(Planner.plan(profile, Devices.of(small), options));
    }

    /** Almost everything in the last stage. */
    private PartitionPlan unbalanced(PartitionPlan planned) {
        List<String> names = planned.stages().stream()
                .flatMap(stage -> stage.vertices().stream())
                .toList();
        return PartitionPlan.of(
                List.of(
                        Stage.of(devices.get(0), names.subList(0, 2)),
                        Stage.of(devices.get(1), names.subList(2, names.size()))),
                MICRO_BATCHES);
    }

    private void draw(String name, PipelineBuilder builder) throws IOException {
        Path page = Files.createTempFile("report", ".html");
        try (PipelineComputationGraph net = builder.build()) {
            PipelineReport fastest = null;
            for (int step = 0; step < STEPS; step++) {
                net.fit(batch);
                net.keepPlan();
                PipelineReport report = net.report();
                if (step >= WARM && (fastest == null || millis(report) < millis(fastest))) {
                    fastest = report;
                }
            }
            if (fastest == null) {
                throw new AssertionError("there are more steps than warm ones");
            }
            fastest.writeHtml(page);
            Path picture = directory.resolve("report-" + name + ".svg");
            Files.writeString(picture, svg(Files.readString(page)));
            System.out.printf(Locale.ROOT, "%s: fastest step %.1f ms%n%s%n", name, millis(fastest), fastest);
        } finally {
            Files.delete(page);
        }
    }

    private static double millis(PipelineReport report) {
        return report.lastStep().map(StepTimeline::tasks).orElseThrow().makespanMillis();
    }

    /** The timeline of a page as a file of its own. */
    private static String svg(String page) {
        Matcher style = STYLE.matcher(page);
        Matcher timeline = TIMELINE.matcher(page);
        if (!style.find() || !timeline.find()) {
            throw new UncheckedIOException(new IOException("The page has no timeline"));
        }
        String rules = style.group(1)
                .lines()
                .filter(line -> !line.contains("body {") && !line.contains("@media print"))
                .reduce("", (text, line) -> text + line + "\n");
        return "<svg xmlns=\"http://www.w3.org/2000/svg\" style=\"background: var(--back)\" " + timeline.group(1)
                + "<style>" + rules + "</style></svg>\n";
    }

    private static DataSet batch() {
        Nd4j.getRandom().setSeed(1);
        INDArray labels = Nd4j.zeros(EXAMPLES, CLASSES);
        for (int i = 0; i < EXAMPLES; i++) {
            labels.putScalar(i, i % CLASSES, 1);
        }
        return new DataSet(Nd4j.rand(EXAMPLES, 3, 32, 32), labels);
    }

    private static ComputationGraph graph() {
        ComputationGraph graph = new ComputationGraph(new NeuralNetConfiguration.Builder()
                .seed(1)
                .updater(new Nesterovs(0.001, 0.9))
                .activation(Activation.RELU)
                .graphBuilder()
                .addInputs("in")
                .setInputTypes(InputType.convolutional(32, 32, 3))
                .addLayer("conv1", convolution(32), "in")
                .addLayer("pool1", pooling(), "conv1")
                .addLayer("conv2", convolution(64), "pool1")
                .addLayer("pool2", pooling(), "conv2")
                .addLayer("conv3", convolution(96), "pool2")
                .addLayer("conv4", convolution(96), "conv3")
                .addLayer("pool3", pooling(), "conv4")
                .addLayer("dense", new DenseLayer.Builder().nOut(256).build(), "pool3")
                .addLayer(
                        "out",
                        new OutputLayer.Builder()
                                .nOut(CLASSES)
                                .activation(Activation.SOFTMAX)
                                .build(),
                        "dense")
                .setOutputs("out")
                .build());
        graph.init();
        return graph;
    }

    private static ConvolutionLayer convolution(int channels) {
        return new ConvolutionLayer.Builder(3, 3).padding(1, 1).nOut(channels).build();
    }

    private static SubsamplingLayer pooling() {
        return new SubsamplingLayer.Builder().kernelSize(2, 2).stride(2, 2).build();
    }
}
