/** Runtimes of devices, threads bound to them, and what is set for the whole process. */
@NullMarked
package io.github.dl4jpipeline.internal.device;

import org.jspecify.annotations.NullMarked;
