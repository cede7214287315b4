package io.github.dl4jpipeline;

import io.github.dl4jpipeline.report.StepRecord;
import io.github.dl4jpipeline.report.StepSample;
import io.github.dl4jpipeline.report.TrainingHistory;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Deque;
import java.util.List;
import java.util.function.DoubleFunction;

/** Keeps the last steps one by one, and all of them as a curve that stays short: where it becomes long, two points become one. */
final class RecordedSteps {
    private final Deque<StepRecord> last = new ArrayDeque<>();
    private List<StepSample> curve = new ArrayList<>();

    /** How many steps a point stands for. */
    private int stepsOfPoint = 1;

    private int steps;
    private double scores;
    private double millis;
    private long examples;

    private long beginNanos;
    private boolean begun;

    /**
     * Adds a step.
     *
     * @param startNanos when it began, on the clock of {@link System#nanoTime}
     * @param made the step, from the milliseconds between the beginning of the first step and its own
     */
    void add(long startNanos, DoubleFunction<StepRecord> made) {
        if (!begun) {
            begun = true;
            beginNanos = startNanos;
        }
        StepRecord step = made.apply((startNanos - beginNanos) / 1e6);
        if (last.size() == TrainingHistory.LAST_STEPS) {
            last.removeFirst();
        }
        last.addLast(step);
        steps++;
        scores += step.score();
        millis += step.millis();
        examples += step.examples();
        if (steps == stepsOfPoint) {
            curve.add(new StepSample(step.iteration(), scores / steps, 1e3 * examples / millis));
            steps = 0;
            scores = 0;
            millis = 0;
            examples = 0;
            if (curve.size() == TrainingHistory.MOST_SAMPLES) {
                halve();
            }
        }
    }

    private void halve() {
        List<StepSample> half = new ArrayList<>();
        for (int i = 0; i < curve.size(); i += 2) {
            half.add(meanOf(curve.get(i), curve.get(i + 1)));
        }
        curve = half;
        stepsOfPoint *= 2;
    }

    /** Both stand for as many steps; their rates are taken as if for as many examples. */
    private static StepSample meanOf(StepSample one, StepSample other) {
        double rate = 2 / (1 / one.examplesPerSecond() + 1 / other.examplesPerSecond());
        return new StepSample(other.iteration(), (one.score() + other.score()) / 2, rate);
    }

    TrainingHistory history() {
        return new TrainingHistory(List.copyOf(last), curve);
    }
}
