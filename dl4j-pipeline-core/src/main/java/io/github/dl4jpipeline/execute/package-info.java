/**
 * Runs training steps: a long-lived worker thread for each replica of a stage, or for the interleaved stages of a device;
 * micro-batches in flight between them.
 *
 * <p>{@link io.github.dl4jpipeline.execute.TaskController} owns the workers. A step gives every worker its tasks; a
 * worker runs each as soon as its dependencies are done. The step ends with the summed gradients in the arrays of the
 * {@link io.github.dl4jpipeline.execute.ParameterStore}; nothing else has changed until then, so a failed step leaves
 * parameters and updater state as they were.
 */
@NullMarked
package io.github.dl4jpipeline.execute;

import org.jspecify.annotations.NullMarked;
