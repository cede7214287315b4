package io.github.dl4jpipeline.internal.plan;

import java.util.Arrays;

/** Medians of the last steps of a plan. The first ones are left out, since they make arrays and compile code. */
final class DriftWindow {
    static final int WARM_UP = 3;
    static final int STEPS = 15;

    private final double[] stepMillis = new double[STEPS];
    private final double[][] busyMillis;
    private final double[] sorted = new double[STEPS];
    private long seen;

    DriftWindow(int parts) {
        busyMillis = new double[parts][STEPS];
    }

    void add(double step, double[] busy) {
        int slot = (int) (seen++ % STEPS);
        stepMillis[slot] = step;
        for (int part = 0; part < busyMillis.length; part++) {
            busyMillis[part][slot] = busy[part];
        }
    }

    boolean isFull() {
        return seen >= WARM_UP + STEPS;
    }

    double stepMillis() {
        return median(stepMillis);
    }

    double busyMillis(int part) {
        return median(busyMillis[part]);
    }

    private double median(double[] times) {
        System.arraycopy(times, 0, sorted, 0, STEPS);
        Arrays.sort(sorted);
        return sorted[STEPS / 2];
    }
}
