package io.github.dl4jpipeline.internal.execute;

import io.github.dl4jpipeline.schedule.Task;
import jdk.jfr.Category;
import jdk.jfr.Description;
import jdk.jfr.Event;
import jdk.jfr.Label;
import jdk.jfr.Name;
import jdk.jfr.StackTrace;

/** A task of a step, in Java Flight Recorder. */
@Name("dl4jpipeline.Task")
@Label("Pipeline Task")
@Category("dl4j-pipeline")
@Description("One pass of one micro-batch through one stage")
@StackTrace(false)
final class TaskEvent extends Event {
    @Label("Iteration")
    int iteration;

    @Label("Pass")
    String pass = "";

    @Label("Stage")
    int stage;

    @Label("Micro-batch")
    int microBatch;

    /** Ends it and records it, if anybody records. */
    void done(int iterationOfStep, Task task) {
        end();
        if (shouldCommit()) {
            iteration = iterationOfStep;
            pass = task.pass().name();
            stage = task.stage();
            microBatch = task.microBatch();
            commit();
        }
    }
}
