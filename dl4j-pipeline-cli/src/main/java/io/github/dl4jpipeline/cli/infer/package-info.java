/** Time to an answer: a network on one core, on all cores, and split into branches with one on each. */
@NullMarked
package io.github.dl4jpipeline.cli.infer;

import org.jspecify.annotations.NullMarked;
