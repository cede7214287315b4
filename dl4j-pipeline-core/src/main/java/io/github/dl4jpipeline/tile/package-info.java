/**
 * Geometry and cost of fused spatial tiles: which part of each map a tile needs, forward and backward. Pure numbers; no
 * array is touched here.
 *
 * <p>Method: Rama, Threadgill, Gerstlauer, "Distributed convolutional neural network training on mobile and edge
 * clusters", arXiv:2409.09083. Tile geometry: fused tile partitioning (Zhao, Barijough, Gerstlauer, "DeepThings",
 * IEEE TCAD 37(11), 2018). Both are for chains; here they work on directed acyclic graphs.
 */
@NullMarked
package io.github.dl4jpipeline.tile;

import org.jspecify.annotations.NullMarked;
