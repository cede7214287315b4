/** Files that commands write, and the error that stands for bad input. */
@NullMarked
package io.github.dl4jpipeline.cli.io;

import org.jspecify.annotations.NullMarked;
