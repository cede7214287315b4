/** What training, planning and reading files can fail with, besides {@link java.lang.IllegalArgumentException} for bad settings. */
@NullMarked
package io.github.dl4jpipeline.exception;

import org.jspecify.annotations.NullMarked;
