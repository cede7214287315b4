/** Measurements that take too long for tests, or whose result depends on the machine. */
@NullMarked
package io.github.dl4jpipeline.benchmarks;

import org.jspecify.annotations.NullMarked;
