/** Running the vertices of a stage for one micro-batch, in a copy of the graph of its own. */
@NullMarked
package io.github.dl4jpipeline.internal.stage;

import org.jspecify.annotations.NullMarked;
