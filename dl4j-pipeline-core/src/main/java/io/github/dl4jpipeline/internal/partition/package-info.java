/** Cutting a graph into stages; pure numbers. */
@NullMarked
package io.github.dl4jpipeline.internal.partition;

import org.jspecify.annotations.NullMarked;
