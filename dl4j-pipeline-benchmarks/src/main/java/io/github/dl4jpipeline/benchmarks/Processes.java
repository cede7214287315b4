package io.github.dl4jpipeline.benchmarks;

import io.github.dl4jpipeline.PipelineComputationGraph;
import io.github.dl4jpipeline.cli.model.NamedModel;
import io.github.dl4jpipeline.cli.model.RandomBatch;
import io.github.dl4jpipeline.device.Device;
import io.github.dl4jpipeline.device.Devices;
import io.github.dl4jpipeline.exception.PipelineException;
import io.github.dl4jpipeline.graph.VertexGraph;
import io.github.dl4jpipeline.internal.cluster.EvenPlan;
import io.github.dl4jpipeline.internal.cluster.WorkerLostException;
import io.github.dl4jpipeline.internal.cluster.WorkerProcesses;
import io.github.dl4jpipeline.partition.PartitionPlan;
import io.github.dl4jpipeline.partition.Stage;
import io.github.dl4jpipeline.schedule.Schedules;
import java.io.IOException;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Collections;
import java.util.List;
import java.util.Locale;
import java.util.concurrent.Callable;
import java.util.stream.IntStream;
import org.deeplearning4j.nn.conf.NeuralNetConfiguration;
import org.deeplearning4j.nn.conf.inputs.InputType;
import org.deeplearning4j.nn.conf.layers.DenseLayer;
import org.deeplearning4j.nn.conf.layers.OutputLayer;
import org.deeplearning4j.nn.graph.ComputationGraph;
import org.nd4j.linalg.activations.Activation;
import org.nd4j.linalg.dataset.MultiDataSet;
import org.nd4j.linalg.factory.Nd4j;
import org.nd4j.linalg.learning.config.Nesterovs;
import picocli.CommandLine.Command;
import picocli.CommandLine.Option;

/**
 * Workers in processes of one core each, over the loopback address: against one such worker, and against threads of one process with
 * the same plan. Then a network that needs more memory than a worker has.
 */
@Command(
        name = "processes",
        description = "Two workers of one core each against one, and a network that does not fit into one.",
        mixinStandardHelpOptions = true)
final class Processes implements Callable<Integer> {
    private static final String MODEL = "alexnet-cifar";
    private static final long SEED = 7;

    /** JavaCPP allocates nothing more in a process that is larger than four times the heap. */
    private static final String NO_OTHER_LIMIT = "-Dorg.bytedeco.javacpp.maxphysicalbytes=0";

    @Option(names = "--steps", defaultValue = "12", description = "Steps that count. Default: ${DEFAULT-VALUE}.")
    private int steps = 12;

    @Option(names = "--batch", defaultValue = "64", description = "Examples of a step. Default: ${DEFAULT-VALUE}.")
    private int examples = 64;

    @Option(
            names = "--cut",
            defaultValue = "conv3",
            description = "The last vertex of the first stage. Default: ${DEFAULT-VALUE}.")
    private String cut = "conv3";

    @Option(
            names = "--grouped",
            defaultValue = "4",
            description = "How many of the 4 micro-batches dense layers of the second stage run as one. Default:"
                    + " ${DEFAULT-VALUE}.")
    private int grouped = 4;

    @Option(
            names = "--warm-up",
            defaultValue = "40",
            description = "Steps before those that count. Default: ${DEFAULT-VALUE}.")
    private int warmUp = 40;

    @Option(
            names = "--only",
            split = ",",
            description = "Some of: one, stages, replicas, threads, memory. Default: all.")
    private List<String> only = List.of("one", "stages", "replicas", "threads", "memory");

    @Option(
            names = "--worker-memory",
            defaultValue = "1100",
            description = "Physical memory of a worker of the wide network, in MB, with all that it has. Default:"
                    + " ${DEFAULT-VALUE}.")
    private int workerMegabytes = 1_100;

    private MultiDataSet batch() {
        return (MultiDataSet) RandomBatch.of(NamedModel.of(MODEL, SEED).shape(), examples, SEED)
                .toMultiDataSet();
    }

    private static ComputationGraph graph() {
        return NamedModel.of(MODEL, SEED).graph();
    }

    @Override
    public Integer call() throws IOException, InterruptedException {
        PartitionPlan stages = stages();
        PartitionPlan replicas = EvenPlan.of(VertexGraph.of(graph()), 1, 2, 2);
        System.out.printf("%s, batch %d; %d steps, median; 2 stages: %s%n", MODEL, examples, steps, cut(stages));
        double one = 0;
        double ofStages = 0;
        double ofReplicas = 0;
        if (only.contains("one")) {
            one = report("one worker", processes(EvenPlan.of(VertexGraph.of(graph()), 1, 1, 1)), 0, 0);
        }
        if (only.contains("stages")) {
            ofStages = report(
                    "2 workers, 2 stages, 4 micro-batches, " + stages.schedule().name(), processes(stages), one, 1.4);
        }
        if (only.contains("replicas")) {
            ofReplicas = report("2 workers, 2 replicas", processes(replicas), one, 1.6);
        }
        if (only.contains("threads")) {
            overhead("2 stages in threads of one process", threads(stages), ofStages);
            overhead("2 replicas in threads of one process", threads(replicas), ofReplicas);
        }
        if (only.contains("memory")) {
            memory();
        }
        return 0;
    }

    private PartitionPlan stages() {
        List<String> names = new ArrayList<>();
        VertexGraph.of(graph()).vertices().forEach(vertex -> names.add(vertex.name()));
        if (!names.contains(cut)) {
            throw new IllegalArgumentException("--cut: there is no vertex '" + cut + "', only " + names);
        }
        int first = names.indexOf(cut) + 1;
        return PartitionPlan.of(
                        List.of(
                                Stage.of(worker(0), names.subList(0, first)),
                                Stage.of(worker(1), names.subList(first, names.size()))
                                        .grouping(grouped)),
                        4)
                .withSchedule(Schedules.zeroBubble());
    }

    private static Device worker(int number) {
        return new Device("worker-" + number, Device.Kind.CPU, List.of(0), Long.MAX_VALUE, 1);
    }

    private static String cut(PartitionPlan plan) {
        List<String> first = plan.stages().get(0).vertices();
        return "cut after " + first.get(first.size() - 1);
    }

    /** Milliseconds of a step. */
    private double processes(PartitionPlan plan) throws IOException, InterruptedException {
        List<Integer> cores = IntStream.range(0, plan.workers()).boxed().toList();
        List<String> options = List.of("-Xmx1g", "-Dorg.bytedeco.javacpp.maxbytes=3g", NO_OTHER_LIMIT);
        long[] ends = new long[warmUp + steps];
        WorkerProcesses.train(
                graph(),
                plan,
                Collections.nCopies(ends.length, batch()),
                1,
                WorkerProcesses.Place.onCores(cores, options),
                step -> ends[step] = System.nanoTime());
        return median(ends);
    }

    private double threads(PartitionPlan plan) {
        long[] ends = new long[warmUp + steps];
        MultiDataSet batch = batch();
        List<Stage> placed = new ArrayList<>();
        Devices cores = Devices.cpu(2);
        int next = 0;
        for (Stage stage : plan.stages()) {
            List<Device> devices = new ArrayList<>();
            for (int replica = 0; replica < stage.replicas(); replica++) {
                devices.add(cores.get(next++));
            }
            placed.add(Stage.of(devices, stage.vertices()));
        }
        try (PipelineComputationGraph net = PipelineComputationGraph.builder(graph())
                .plan(plan.withStages(placed))
                .build()) {
            for (int step = 0; step < ends.length; step++) {
                net.fit(batch);
                ends[step] = System.nanoTime();
            }
        }
        return median(ends);
    }

    private double median(long[] ends) {
        double[] millis = IntStream.range(warmUp, ends.length)
                .mapToDouble(step -> (ends[step] - ends[step - 1]) / 1e6)
                .sorted()
                .toArray();
        return millis[millis.length / 2];
    }

    private static double report(String what, double millis, double one, double bound) {
        String factor = one == 0 ? "" : String.format(Locale.ROOT, "%.2fx (bound %.1fx)", one / millis, bound);
        System.out.printf(Locale.ROOT, "%-55s %8.1f ms  %s%n", what, millis, factor);
        return millis;
    }

    private static void overhead(String what, double threads, double processes) {
        String more = processes == 0
                ? ""
                : String.format(Locale.ROOT, "processes take %+.0f %% (bound +10 %%)", 100 * (processes / threads - 1));
        System.out.printf(Locale.ROOT, "%-55s %8.1f ms  %s%n", what, threads, more);
    }

    /** Layers of 25 million parameters each. */
    private void memory() throws IOException, InterruptedException {
        ComputationGraph wide = new ComputationGraph(new NeuralNetConfiguration.Builder()
                .seed(SEED)
                .updater(new Nesterovs(0.01, 0.9))
                .graphBuilder()
                .addInputs("in")
                .setInputTypes(InputType.feedForward(5_000))
                .addLayer("dense1", dense(), "in")
                .addLayer("dense2", dense(), "dense1")
                .addLayer(
                        "out",
                        new OutputLayer.Builder()
                                .nOut(10)
                                .activation(Activation.SOFTMAX)
                                .build(),
                        "dense2")
                .setOutputs("out")
                .build());
        wide.init();
        MultiDataSet few = new MultiDataSet(Nd4j.rand(8, 5_000), Nd4j.rand(8, 10));
        for (int workers : new int[] {1, 2}) {
            String result = "trains";
            try (MemoryGuard guard = new MemoryGuard(workerMegabytes * 1_000_000L)) {
                try {
                    WorkerProcesses.train(
                            wide,
                            workers == 1 ? EvenPlan.of(VertexGraph.of(wide), 1, 1, 1) : halves(),
                            List.of(few, few),
                            1,
                            WorkerProcesses.Place.onCores(
                                    IntStream.range(0, workers).boxed().toList(), List.of("-Xmx512m", NO_OTHER_LIMIT)),
                            step -> {});
                } catch (PipelineException | WorkerLostException e) {
                    result = "fails: "
                            + Arrays.stream(String.valueOf(e.getMessage()).split("\n"))
                                    .findFirst()
                                    .orElse("");
                }
                System.out.printf(
                        Locale.ROOT,
                        "50 million parameters, %d workers of %d MB each: %s; at most %.0f MB%n",
                        workers,
                        workerMegabytes,
                        result,
                        guard.peakBytes() / 1e6);
            }
        }
    }

    private static PartitionPlan halves() {
        return PartitionPlan.of(
                List.of(Stage.of(worker(0), List.of("in", "dense1")), Stage.of(worker(1), List.of("dense2", "out"))),
                2);
    }

    private static DenseLayer dense() {
        return new DenseLayer.Builder().nOut(5_000).activation(Activation.RELU).build();
    }
}
