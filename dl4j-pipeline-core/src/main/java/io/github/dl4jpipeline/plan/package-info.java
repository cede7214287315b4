/**
 * Decides how a profiled graph is trained on given devices.
 *
 * <pre>{@code
 * PartitionPlan plan = Planner.plan(profile, Devices.cpu(2), PlanOptions.defaults());
 * System.out.println(plan.explain());
 * }</pre>
 */
@NullMarked
package io.github.dl4jpipeline.plan;

import org.jspecify.annotations.NullMarked;
