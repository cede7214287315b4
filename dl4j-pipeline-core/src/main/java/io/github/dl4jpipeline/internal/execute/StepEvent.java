package io.github.dl4jpipeline.internal.execute;

import jdk.jfr.Category;
import jdk.jfr.Description;
import jdk.jfr.Event;
import jdk.jfr.Label;
import jdk.jfr.Name;
import jdk.jfr.StackTrace;

/** A training step, in Java Flight Recorder. */
@Name("dl4jpipeline.Step")
@Label("Pipeline Step")
@Category("dl4j-pipeline")
@Description("Forward and backward passes of one batch")
@StackTrace(false)
final class StepEvent extends Event {
    @Label("Iteration")
    int iteration;

    @Label("Examples")
    long examples;

    @Label("Plan")
    String plan = "";

    @Label("Score")
    double score;
}
