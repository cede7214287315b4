package io.github.dl4jpipeline.benchmarks;

import io.github.dl4jpipeline.PipelineComputationGraph;
import io.github.dl4jpipeline.device.Device;
import io.github.dl4jpipeline.device.Devices;
import io.github.dl4jpipeline.partition.PartitionPlan;
import java.time.Duration;
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
    private static final Duration MOST_TO_SETTLE = Duration.ofSeconds(60);
    private static final int LEAST_STEPS = 3;

    @Option(
            names = "--network",
            split = ",",
            description = "${COMPLETION-CANDIDATES}; several, with commas between them.")
    private List<SmallNetwork> networks = List.of(SmallNetwork.values());

    @Option(names = "--steps", description = "Measured turns of each system.")
    private int turns = 15;

    @Option(names = "--turn-millis", description = "A turn has as many steps as take so long, and at least three.")
    private int turnMillis = 20;

    @Option(names = "--warm-up-millis", description = "How long each system trains before.")
    private int warmUpMillis = 1_000;

    @Override
    public Integer call() {
        if (turns < 1 || turnMillis < 1 || warmUpMillis < 0) {
            System.err.println("--steps and --turn-millis must be at least 1, and --warm-up-millis at least 0");
            return ExitCode.USAGE;
        }
        System.out.printf(
                "ms a step, medians of %d turns of at least %d ms; plain fit with the better of 1 and %d threads%n",
                turns, turnMillis, Devices.cpu().size());
        System.out.printf(
                "%-15s %5s %9s %9s %6s %9s  %s%n",
                "network", "batch", "plain", "pipeline", "ratio", "one core", "plan");
        networks.forEach(this::compare);
        return ExitCode.OK;
    }

    private void compare(SmallNetwork network) {
        MultiDataSet data = network.data();
        try (PipelineComputationGraph pipeline = PipelineComputationGraph.builder(network.graph())
                        .noProfileCache()
                        .build();
                PipelineComputationGraph oneCore = PipelineComputationGraph.builder(network.graph())
                        .devices(Devices.of(Devices.cpu().get(0)))
                        .stages(1)
                        .microBatches(1)
                        .build()) {
            pipeline.fit(data);
            long begin = System.nanoTime();
            while (!pipeline.report().settled() && System.nanoTime() - begin < MOST_TO_SETTLE.toNanos()) {
                pipeline.fit(data);
            }
            boolean settled = pipeline.report().settled();
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
                    describe(pipeline.plan(), settled));
        }
    }

    /** @param settled whether it was the final plan before its steps were measured */
    private static String describe(PartitionPlan plan, boolean settled) {
        return String.format(
                Locale.ROOT,
                "%s%s, %d workers, %d micro-batches, threads %s",
                settled ? "" : "not settled yet: ",
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
        /** Trains for a time, and returns the milliseconds of a step. */
        double millis(MultiDataSet data, int leastMillis) {
            if (threads == 0) {
                return millis(data, leastMillis, system);
            }
            int masters = Nd4j.getEnvironment().maxMasterThreads();
            int blas = Nd4j.factory().blas().getMaxThreads();
            int openMp = NativeOpsHolder.getInstance().getDeviceNativeOps().ompGetMaxThreads();
            set(threads, threads, threads);
            try {
                return millis(data, leastMillis, system);
            } finally {
                set(masters, blas, openMp);
            }
        }

        private static double millis(MultiDataSet data, int leastMillis, ComputationGraph system) {
            long start = System.nanoTime();
            double millis = 0;
            int steps = 0;
            while (steps < LEAST_STEPS || millis < leastMillis) {
                system.fit(data);
                steps++;
                millis = (System.nanoTime() - start) / 1e6;
            }
            return millis / steps;
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
        systems.forEach(system -> system.millis(data, warmUpMillis));
        for (int turn = 0; turn < turns; turn++) {
            for (int system = 0; system < systems.size(); system++) {
                systems.get(system).system().fit(data); // caches
                millis.get(system).add(systems.get(system).millis(data, turnMillis));
            }
        }
        return millis.stream()
                .mapToDouble(times -> PredictedRun.quantile(times, 0.5))
                .toArray();
    }
}
