/** Outputs and scores of batches, on all devices. */
@NullMarked
package io.github.dl4jpipeline.internal.inference;

import org.jspecify.annotations.NullMarked;
