package io.github.dl4jpipeline.benchmarks;

import io.github.dl4jpipeline.PipelineComputationGraph;
import io.github.dl4jpipeline.device.Device;
import io.github.dl4jpipeline.device.Devices;
import io.github.dl4jpipeline.partition.PartitionPlan;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.concurrent.Callable;
import java.util.stream.Stream;
import org.deeplearning4j.nn.graph.ComputationGraph;
import org.nd4j.linalg.dataset.api.MultiDataSet;
import org.nd4j.linalg.factory.Nd4j;
import org.nd4j.nativeblas.NativeOpsHolder;
import picocli.CommandLine.Command;
import picocli.CommandLine.ExitCode;
import picocli.CommandLine.Option;

/** Times of a step of small networks: plain {@code fit} with its better number of threads, the default pipeline, and one stage on one core. */
@Command(
        name = "small",
        description = "Training of small and odd networks, beside plain fit.",
        mixinStandardHelpOptions = true,
        showDefaultValues = true)
final class Small implements Callable<Integer> {
    private static final int MOST_STEPS_TO_SETTLE = 5_000;

    @Option(
            names = "--network",
            split = ",",
            description = "${COMPLETION-CANDIDATES}; several, with commas between them.")
    private List<SmallNetwork> networks = List.of(SmallNetwork.values());

    @Option(names = "--steps", description = "Measured turns of each system.")
    private int turns = 11;

    @Option(names = "--steps-of-turn", description = "Steps of a turn, whose mean is taken.")
    private int stepsOfTurn = 5;

    @Option(names = "--warm-up", description = "Steps of each system before.")
    private int warmUp = 100;

    @Override
    public Integer call() {
        if (turns < 1 || stepsOfTurn < 1 || warmUp < 0) {
            System.err.println("--steps and --steps-of-turn must be at least 1, and --warm-up at least 0");
            return ExitCode.USAGE;
        }
        System.out.printf(
                "ms a step, medians of %d turns of %d steps; plain fit with the better of 1 and %d threads%n",
                turns, stepsOfTurn, Devices.cpu().size());
        System.out.printf(
                "%-15s %5s %9s %9s %6s %9s  %s%n",
                "network", "batch", "plain", "pipeline", "ratio", "one core", "plan");
        networks.forEach(this::compare);
        return ExitCode.OK;
    }

    private void compare(SmallNetwork network) {
        MultiDataSet data = network.data();
        try (PipelineComputationGraph pipeline =
                        PipelineComputationGraph.builder(network.graph()).build();
                PipelineComputationGraph oneCore = PipelineComputationGraph.builder(network.graph())
                        .devices(Devices.of(Devices.cpu().get(0)))
                        .stages(1)
                        .microBatches(1)
                        .build()) {
            pipeline.fit(data);
            for (int step = 1; step < MOST_STEPS_TO_SETTLE && !pipeline.report().settled(); step++) {
                pipeline.fit(data);
            }
            ComputationGraph plain = network.graph();
            List<Turn> systems = Stream.of(
                            new Turn(plain, 1),
                            new Turn(plain, Devices.cpu().size()),
                            new Turn(pipeline, 0),
                            new Turn(oneCore, 0))
                    .toList();
            double[] medians = medians(systems, data);
            double best = Math.min(medians[0], medians[1]);
            System.out.printf(
                    Locale.ROOT,
                    "%-15s %5d %9.3f %9.3f %6.2f %9.3f  %s%n",
                    network.title(),
                    network.batch(),
                    best,
                    medians[2],
                    best / medians[2],
                    medians[3],
                    describe(pipeline.plan()));
        }
    }

    private static String describe(PartitionPlan plan) {
        return String.format(
                Locale.ROOT,
                "%s, %d workers, %d micro-batches, threads %s",
                plan.kind(),
                plan.workers(),
                plan.microBatches(),
                plan.devices().list().stream().map(Device::threads).toList());
    }

    /**
     * Steps of one system.
     *
     * @param threads of an operation; 0 leaves them alone
     */
    private record Turn(ComputationGraph system, int threads) {
        double millis(MultiDataSet data, int steps) {
            if (threads == 0) {
                return millis(data, steps, system);
            }
            int masters = Nd4j.getEnvironment().maxMasterThreads();
            int blas = Nd4j.factory().blas().getMaxThreads();
            int openMp = NativeOpsHolder.getInstance().getDeviceNativeOps().ompGetMaxThreads();
            set(threads, threads, threads);
            try {
                return millis(data, steps, system);
            } finally {
                set(masters, blas, openMp);
            }
        }

        private static double millis(MultiDataSet data, int steps, ComputationGraph system) {
            long start = System.nanoTime();
            for (int step = 0; step < steps; step++) {
                system.fit(data);
            }
            return (System.nanoTime() - start) / 1e6 / steps;
        }

        /** ND4J's number and that of BLAS belong to the process, OpenMP's to this thread. */
        private static void set(int masters, int blas, int openMp) {
            Nd4j.getEnvironment().setMaxMasterThreads(masters);
            Nd4j.factory().blas().setMaxThreads(blas);
            NativeOpsHolder.getInstance().getDeviceNativeOps().setOmpNumThreads(openMp);
        }
    }

    private double[] medians(List<Turn> systems, MultiDataSet data) {
        List<List<Double>> millis = systems.stream()
                .map(system -> (List<Double>) new ArrayList<Double>())
                .toList();
        systems.forEach(system -> system.millis(data, warmUp));
        for (int turn = 0; turn < turns; turn++) {
            for (int system = 0; system < systems.size(); system++) {
                systems.get(system).millis(data, 1); // caches
                millis.get(system).add(systems.get(system).millis(data, stepsOfTurn));
            }
        }
        return millis.stream()
                .mapToDouble(times -> PredictedRun.quantile(times, 0.5))
                .toArray();
    }
}
