/** The example networks, and models from files. */
@NullMarked
package io.github.dl4jpipeline.cli.model;

import org.jspecify.annotations.NullMarked;
