/** How arguments are refused. */
@NullMarked
package io.github.dl4jpipeline.internal.exception;

import org.jspecify.annotations.NullMarked;
