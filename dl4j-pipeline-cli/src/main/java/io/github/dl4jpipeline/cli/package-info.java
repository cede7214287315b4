/** The command line {@code dl4j-pipeline}: one class for each subcommand, and the options that they share. */
@NullMarked
package io.github.dl4jpipeline.cli;

import org.jspecify.annotations.NullMarked;
