package io.github.dl4jpipeline.internal.plan;

import io.github.dl4jpipeline.internal.profile.Median;

/** Medians of the last steps of a plan. The first ones are left out, since they make arrays and compile code. */
final class DriftWindow {
    static final int WARM_UP = 3;
    static final int STEPS = 15;

    private final double[] stepMillis = new double[STEPS];
    private final double[][] busyMillis;
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
        return Median.of(stepMillis);
    }

    double busyMillis(int part) {
        return Median.of(busyMillis[part]);
    }
}
