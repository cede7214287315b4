/** Training of one graph by workers in several processes. Knows nothing of Spark. */
@NullMarked
package io.github.dl4jpipeline.internal.cluster;

import org.jspecify.annotations.NullMarked;
