/** Running vertices in fused spatial tiles. */
@NullMarked
package io.github.dl4jpipeline.internal.tiling;

import org.jspecify.annotations.NullMarked;
