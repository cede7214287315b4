/** The search for a plan, its predictions, and the choice of another plan while training runs. */
@NullMarked
package io.github.dl4jpipeline.internal.plan;

import org.jspecify.annotations.NullMarked;
