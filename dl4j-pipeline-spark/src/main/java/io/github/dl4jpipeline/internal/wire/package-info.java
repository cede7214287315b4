/** Arrays and short messages between processes, over TCP. Knows nothing of training or Spark. */
@NullMarked
package io.github.dl4jpipeline.internal.wire;

import org.jspecify.annotations.NullMarked;
