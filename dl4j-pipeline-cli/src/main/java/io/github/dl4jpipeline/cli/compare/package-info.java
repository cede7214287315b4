/** Ways to train the same network on the same batch, measured side by side. */
@NullMarked
package io.github.dl4jpipeline.cli.compare;

import org.jspecify.annotations.NullMarked;
