package io.github.dl4jpipeline;

import io.github.dl4jpipeline.partition.PartitionPlan;
import jdk.jfr.Category;
import jdk.jfr.Description;
import jdk.jfr.Event;
import jdk.jfr.Label;
import jdk.jfr.Name;
import jdk.jfr.StackTrace;

/** Workers start with a plan, in Java Flight Recorder. */
@Name("dl4jpipeline.Plan")
@Label("Pipeline Plan")
@Category("dl4j-pipeline")
@Description("Workers start with a plan, the first one or another")
@StackTrace(false)
final class PlanEvent extends Event {
    @Label("Plan")
    String plan = "";

    static void record(PartitionPlan started) {
        PlanEvent event = new PlanEvent();
        if (event.shouldCommit()) {
            event.plan = started.summary();
            event.commit();
        }
    }
}
