/** The example networks, and models from files. */
@NullMarked
package io.github.dl4jpipeline.examples.model;

import org.jspecify.annotations.NullMarked;
