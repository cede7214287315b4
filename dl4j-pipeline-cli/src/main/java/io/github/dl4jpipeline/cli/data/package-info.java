/** Labelled images: CIFAR-10 files, generated ones, the download, and the batches that training takes. */
@NullMarked
package io.github.dl4jpipeline.cli.data;

import org.jspecify.annotations.NullMarked;
