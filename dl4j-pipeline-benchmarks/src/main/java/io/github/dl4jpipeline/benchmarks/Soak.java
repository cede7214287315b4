package io.github.dl4jpipeline.benchmarks;

import io.github.dl4jpipeline.PipelineComputationGraph;
import java.io.File;
import java.time.Duration;
import java.util.EnumMap;
import java.util.Locale;
import java.util.Map;
import java.util.Random;
import java.util.concurrent.Callable;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.FutureTask;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.TimeoutException;
import org.deeplearning4j.util.CrashReportingUtil;
import org.nd4j.linalg.dataset.DataSet;
import picocli.CommandLine.Command;
import picocli.CommandLine.Option;

/** Trains while one thing after the other goes wrong. */
@Command(
        name = "soak",
        description =
                "Makes faults happen in training, in random order, and checks that each comes out as it should, that"
                        + " nothing hangs, and that threads, memory and files do not grow.",
        mixinStandardHelpOptions = true,
        showDefaultValues = true)
final class Soak implements Callable<Integer> {
    private static final Duration HANGS_AFTER = Duration.ofSeconds(60);
    private static final int FAULTS_PER_PIPELINE = 12;

    @Option(names = "--minutes", description = "How long.")
    private int minutes = 20;

    @Option(names = "--readings", description = "How often memory, threads and files are read.")
    private int readings = 4;

    @Option(names = "--seed", description = "Of the order of faults.")
    private long seed = 42;

    private final Map<SoakFault, Integer> counts = new EnumMap<>(SoakFault.class);
    private int failures;
    private long steps;

    @Override
    public Integer call() throws InterruptedException {
        CrashReportingUtil.crashDumpsEnabled(false);
        Random random = new Random(seed);
        DataSet batch = SoakPlan.batch(seed);
        long start = System.nanoTime();
        for (int reading = 1; reading <= readings; reading++) {
            long until = start + Duration.ofMinutes(minutes).toNanos() * reading / readings;
            while (System.nanoTime() < until) {
                SoakPlan plan = any(SoakPlan.values(), random);
                if (!withinTime(plan + " pipeline", () -> onePipeline(plan, random, batch))) {
                    return 1;
                }
            }
            read((System.nanoTime() - start) / 60e9);
        }
        counts.forEach((fault, count) -> System.out.printf("%s %d%n", fault, count));
        System.out.printf("%d faults, %d not as they should be, %d steps%n", total(), failures, steps);
        return failures == 0 ? 0 : 1;
    }

    private static <T> T any(T[] values, Random random) {
        return values[random.nextInt(values.length)];
    }

    private int total() {
        return counts.values().stream().mapToInt(Integer::intValue).sum();
    }

    private void onePipeline(SoakPlan plan, Random random, DataSet batch) {
        try (PipelineComputationGraph net = plan.pipeline()) {
            for (int i = 0; i < FAULTS_PER_PIPELINE; i++) {
                SoakFault fault = any(SoakFault.values(), random);
                happen(fault, plan, net, batch);
                if (fault.closes()) {
                    return;
                }
                net.fit(batch);
                steps++;
            }
        }
    }

    private void happen(SoakFault fault, SoakPlan plan, PipelineComputationGraph net, DataSet batch) {
        counts.merge(fault, 1, Integer::sum);
        try {
            fault.happen(net, batch);
        } catch (RuntimeException e) {
            failures++;
            System.out.println(plan + ", " + fault + ": " + e);
            e.printStackTrace(System.out);
        } finally {
            FaultActivation.reset();
            FaultSchedule.fail(false);
            net.setListeners();
        }
    }

    /** Runs something in a thread of its own, and waits for as long as it may take. */
    private boolean withinTime(String name, Runnable work) throws InterruptedException {
        FutureTask<?> task = new FutureTask<>(work, null);
        SoakChecks.start(name, task);
        try {
            task.get(HANGS_AFTER.toSeconds() * FAULTS_PER_PIPELINE, TimeUnit.SECONDS);
            return true;
        } catch (ExecutionException e) {
            failures++;
            e.getCause().printStackTrace(System.out);
            return true;
        } catch (TimeoutException e) {
            System.out.println(name + " hangs:");
            Thread.getAllStackTraces().forEach((thread, stack) -> {
                System.out.println(thread);
                for (StackTraceElement element : stack) {
                    System.out.println("    " + element);
                }
            });
            return false;
        }
    }

    private void read(double minute) throws InterruptedException {
        MemoryReading memory = MemoryReading.settled();
        String[] files = new File("/proc/self/fd").list();
        System.out.printf(
                Locale.ROOT,
                "after %.1f minutes: %d faults, %d steps, %d threads, %d open files, %.1f MB resident, %.1f MB trimmed"
                        + " (pointers %.1f, virtual machine beside the heap %.1f)%n",
                minute,
                total(),
                steps,
                Thread.getAllStackTraces().size(),
                files == null ? 0 : files.length,
                memory.resident() / 1e6,
                memory.trimmed() / 1e6,
                memory.pointers() / 1e6,
                memory.virtualMachine() / 1e6);
    }
}
