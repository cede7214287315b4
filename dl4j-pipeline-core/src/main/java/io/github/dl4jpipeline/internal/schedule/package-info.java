/** The tasks of a step, and which copy of the graph each micro-batch uses. Pure numbers. */
@NullMarked
package io.github.dl4jpipeline.internal.schedule;

import org.jspecify.annotations.NullMarked;
