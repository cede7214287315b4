/** Training in epochs, with checkpoints and progress. */
@NullMarked
package io.github.dl4jpipeline.cli.train;

import org.jspecify.annotations.NullMarked;
