/**
 * Runs training steps: one long-lived worker thread per stage, micro-batches in flight between them.
 *
 * <p>{@link io.github.dl4jpipeline.execute.TaskController} owns the workers. A step gives every worker its tasks; a
 * worker runs each as soon as its dependencies are done. The step ends with the summed gradients in the arrays of the
 * {@link io.github.dl4jpipeline.execute.ParameterStore}; nothing else has changed until then, so a failed step leaves
 * parameters and updater state as they were.
 */
@NullMarked
package io.github.dl4jpipeline.execute;

import org.jspecify.annotations.NullMarked;
