package io.github.dl4jpipeline.cli.infer;

/**
 * One way to run a network, and how long it took.
 *
 * @param cores how many it uses
 * @param task one run
 */
record MeasuredSystem(String name, int cores, Runnable task, Latencies latencies) {
    MeasuredSystem(String name, int cores, Runnable task) {
        this(name, cores, task, new Latencies());
    }

    void run(boolean counts) {
        long start = System.nanoTime();
        task.run();
        if (counts) {
            latencies.add(System.nanoTime() - start);
        }
    }

    double medianMillis() {
        return latencies.medianMillis();
    }
}
