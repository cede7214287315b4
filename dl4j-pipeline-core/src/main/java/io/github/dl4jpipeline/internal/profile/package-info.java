/** Measuring the vertices of a graph. */
@NullMarked
package io.github.dl4jpipeline.internal.profile;

import org.jspecify.annotations.NullMarked;
