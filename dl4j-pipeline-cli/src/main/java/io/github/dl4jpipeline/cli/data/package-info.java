/** What training takes: CIFAR-10 files, texts, generated images and sentences, the download, and batches of them. */
@NullMarked
package io.github.dl4jpipeline.cli.data;

import org.jspecify.annotations.NullMarked;
