/** Workers, steps, and failures. */
@NullMarked
package io.github.dl4jpipeline.internal.execute;

import org.jspecify.annotations.NullMarked;
