package io.github.dl4jpipeline.internal.partition;

import java.util.function.IntBinaryOperator;
import java.util.function.IntPredicate;

/**
 * What stages may be like.
 *
 * @param replicas which numbers of replicas a stage may have
 * @param inFlight gives the micro-batches that each replica of a stage has in flight, from the number of replicas and
 *     of workers after the stage; the schedule decides it
 * @param recompute whether a stage whose activations do not fit into memory may compute them again in backward tasks
 */
public record StageRules(IntPredicate replicas, IntBinaryOperator inFlight, boolean recompute) {}
