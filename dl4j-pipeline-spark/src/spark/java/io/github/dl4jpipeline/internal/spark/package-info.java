/** Workers as tasks of a barrier job, and the driver that starts them again. */
@NullMarked
package io.github.dl4jpipeline.internal.spark;

import org.jspecify.annotations.NullMarked;
