/** Faster code for single layers. Where there is none, or it fails, Deeplearning4j's own runs. */
@NullMarked
package io.github.dl4jpipeline.internal.layers;

import org.jspecify.annotations.NullMarked;
