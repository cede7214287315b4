package io.github.dl4jpipeline.cli.compare;

import java.util.Map;

/** One way to train, or to compute outputs: a network of its own and a batch, one step at a time. */
interface MeasuredSystem extends AutoCloseable {

    /** What the system is called in reports. Two with the same name are two settings of one system. */
    String name();

    /** How many threads one of its operations uses. */
    int operationThreads();

    /** What sets it apart from another system of the same name, as the end of a key. */
    default String setting() {
        return "Omp" + operationThreads();
    }

    /** Runs one step; on return it is complete. */
    void step();

    /** Runs one step, or as many as it takes until the system goes on as it is; these steps are not measured. */
    default void warmUp() {
        step();
    }

    /** What else is reported, by key; known after the first step. */
    Map<String, Object> details();

    @Override
    void close();
}
