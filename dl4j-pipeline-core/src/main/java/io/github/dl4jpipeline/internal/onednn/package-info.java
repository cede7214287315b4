/** oneDNN's primitives, called through its JavaCPP preset: what they read and write, and who frees them. */
@NullMarked
package io.github.dl4jpipeline.internal.onednn;

import org.jspecify.annotations.NullMarked;
