package io.github.dl4jpipeline.benchmarks;

import org.nd4j.linalg.schedule.ISchedule;

/** A fixed learning rate, which fails while a soak has it so. */
public final class FaultSchedule implements ISchedule {
    private static final long serialVersionUID = 1;
    private static volatile boolean failing;

    static void fail(boolean value) {
        failing = value;
    }

    @Override
    public double valueAt(int iteration, int epoch) {
        if (failing) {
            throw new IllegalStateException("no rate today");
        }
        return 1e-3;
    }

    @Override
    @SuppressWarnings("MethodDoesntCallSuperMethod")
    public ISchedule clone() {
        return new FaultSchedule();
    }

    @Override
    public boolean equals(Object other) {
        return other instanceof FaultSchedule;
    }

    @Override
    public int hashCode() {
        return FaultSchedule.class.hashCode();
    }
}
