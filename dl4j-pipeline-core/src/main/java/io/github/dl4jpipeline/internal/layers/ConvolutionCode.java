package io.github.dl4jpipeline.internal.layers;

/** One way to compute a 2D convolution in both directions. */
interface ConvolutionCode extends ForwardConvolution, BackwardConvolution {}
