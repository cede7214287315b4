/** The updater in pieces that run on several threads. A failed update changes nothing. */
@NullMarked
package io.github.dl4jpipeline.internal.update;

import org.jspecify.annotations.NullMarked;
