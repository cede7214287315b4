/** Training of Deeplearning4j's {@code SparkComputationGraph} in a pipeline. */
@NullMarked
package io.github.dl4jpipeline.spark.dl4j;

import org.jspecify.annotations.NullMarked;
