/** Stages on GPUs, with ND4J's CUDA backend. */
@NullMarked
package io.github.dl4jpipeline.cuda;

import org.jspecify.annotations.NullMarked;
