package io.github.dl4jpipeline.partition;

import io.github.dl4jpipeline.graph.GraphOutline;
import io.github.dl4jpipeline.internal.exception.Given;
import java.util.List;
import java.util.Optional;

/**
 * What a plan is for, and what there is to know beside it.
 *
 * @param alternatives the best plan of each other kind, fastest first
 * @param notes what the planner wants the user to know
 * @param graph what the graph that it is for looks like; empty if that is not known
 */
public record PlanContext(List<Alternative> alternatives, List<String> notes, Optional<GraphOutline> graph) {
    static final PlanContext NONE = new PlanContext(List.of(), List.of(), Optional.empty());

    public PlanContext {
        alternatives = Given.list("alternatives of a plan", alternatives);
        notes = Given.list("notes of a plan", notes);
        Given.notNull("graph of a plan", graph);
    }
}
