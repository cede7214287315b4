/** Short programs to copy, each on its own; {@link io.github.dl4jpipeline.examples.Images} gives them something to learn. */
@NullMarked
package io.github.dl4jpipeline.examples;

import org.jspecify.annotations.NullMarked;
