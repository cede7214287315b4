/** Files that are written whole or not at all, and model files, which are read with care since strangers make them. */
@NullMarked
package io.github.dl4jpipeline.internal.file;

import org.jspecify.annotations.NullMarked;
