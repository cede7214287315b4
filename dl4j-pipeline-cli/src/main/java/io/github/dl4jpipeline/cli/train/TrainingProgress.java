package io.github.dl4jpipeline.cli.train;

import io.github.dl4jpipeline.PipelineListener;
import io.github.dl4jpipeline.cli.io.ProfilingBar;
import io.github.dl4jpipeline.cli.io.Progress;
import io.github.dl4jpipeline.partition.PartitionPlan;
import io.github.dl4jpipeline.profile.ProfilingProgress;
import java.io.PrintWriter;
import java.time.Duration;
import java.util.ArrayDeque;
import java.util.Deque;
import java.util.HashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/**
 * Follows training from the first measurement of a profile on, and shows it: a bar while the network is profiled, then one for each
 * epoch. It counts the time of profiling, which is none of training.
 */
final class TrainingProgress implements PipelineListener, AutoCloseable {
    /** Of so many last steps of a plan the median counts. */
    private static final int LAST_STEPS = 20;

    private final PrintWriter err;
    private final String examples;
    private final int segments;
    private final ProfilingBar profilingBar;
    private final Map<String, Deque<Double>> lastMillis = new HashMap<>();

    private String title = "";
    private int steps;
    private @Nullable Progress bar;
    private boolean planned;
    private long began;
    private double lossImages;
    private double lossSum;
    private long allImages;

    private long trainingNanos;
    private long profilingNanos;
    private long profilingOfEpoch;
    private long profilingBefore;
    private long lastMeasurement;

    /**
     * Progress that is shown on {@code err}.
     *
     * @param examples what they are called
     * @param segments in how many steps a batch is trained
     */
    TrainingProgress(PrintWriter err, String examples, int segments) {
        this.err = err;
        this.examples = examples;
        this.segments = segments;
        this.profilingBar = new ProfilingBar(err);
    }

    /** An epoch begins. */
    void startEpoch(String name, int numberOfSteps) {
        if (profilingBefore != 0) { // tiles have been chosen before training
            profilingBar.close();
            addProfiling(System.nanoTime() - lastMeasurement);
            profilingBefore = 0;
        }
        title = name;
        steps = numberOfSteps;
        lossImages = 0;
        lossSum = 0;
        profilingOfEpoch = 0;
        began = System.nanoTime();
        if (planned) {
            bar = new Progress(err, title, steps);
        }
    }

    /** The epoch has ended. */
    void endEpoch() {
        trainingNanos += System.nanoTime() - began - profilingOfEpoch;
        close();
    }

    /** Draws bars for the last time. */
    @Override
    public void close() {
        profilingBar.close();
        if (bar != null) {
            bar.close();
            bar = null;
        }
    }

    @Override
    public void profiling(ProfilingProgress progress) {
        long elapsed = progress.elapsed().toNanos();
        addProfiling(elapsed - (elapsed < profilingBefore ? 0 : profilingBefore));
        profilingBefore = elapsed;
        lastMeasurement = System.nanoTime();
        if (bar != null) {
            bar.pause();
        }
        profilingBar.show(progress);
    }

    private void addProfiling(long nanos) {
        profilingNanos += nanos;
        profilingOfEpoch += nanos;
    }

    @Override
    public void planChosen(PlanChosen event) {
        profilingBar.close();
        addProfiling(profilingBefore == 0 ? event.took().toNanos() : System.nanoTime() - lastMeasurement);
        profilingBefore = 0;
        planned = true;
        err.printf(
                "First plan: %s%s%n",
                event.plan().summary(), event.cached() ? " (from a profile in the cache)" : took(event.took()));
        err.flush();
        bar = new Progress(err, title, steps);
    }

    private static String took(Duration time) {
        return time.isZero() ? "" : String.format(Locale.ROOT, " (profiled in %.1f s)", time.toNanos() / 1e9);
    }

    @Override
    public void stepDone(StepDone event) {
        profilingBefore = 0;
        lossSum += event.score() * event.examples();
        lossImages += event.examples();
        allImages += event.examples();
        if (event.warm()) {
            Deque<Double> last = lastMillis.computeIfAbsent(event.plan().summary(), plan -> new ArrayDeque<>());
            last.addLast(event.wholeMillis());
            if (last.size() > LAST_STEPS) {
                last.removeFirst();
            }
        }
        if (bar != null) {
            profilingBar.close();
            bar.resume();
            double seconds = (System.nanoTime() - began - profilingOfEpoch) / 1e9;
            bar.step(String.format(
                    Locale.ROOT,
                    " loss %.4f, %.1f %s/s%s",
                    loss(),
                    lossImages / segments / seconds,
                    examples,
                    event.chosen() ? "" : ", trying " + event.plan().kind()));
        }
    }

    @Override
    public void planChanged(PlanChanged event) {
        if (event.cause() == Cause.PROFILED) {
            profilingBar.close();
            addProfiling(System.nanoTime() - lastMeasurement);
        }
    }

    /** The mean loss over the images of the epoch; not a number before its first batch. */
    double loss() {
        return lossSum / lossImages;
    }

    /** Number of images or other examples trained on in all epochs. */
    long images() {
        return allImages / segments;
    }

    /** Time of all epochs, without profiling. */
    double trainingSeconds() {
        return trainingNanos / 1e9;
    }

    /** Time of profiling and planning. */
    double profilingSeconds() {
        return profilingNanos / 1e9;
    }

    /** The median time of the last steps with a plan, updates included; zero if there was none. */
    double stepMillis(PartitionPlan plan) {
        List<Double> last = lastMillis.getOrDefault(plan.summary(), new ArrayDeque<>()).stream()
                .sorted()
                .toList();
        return last.isEmpty() ? 0 : last.get((last.size() - 1) / 2);
    }
}
