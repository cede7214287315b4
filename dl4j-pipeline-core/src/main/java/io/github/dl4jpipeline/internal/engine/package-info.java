/**
 * Layers on oneDNN's primitives. Between such layers activations and errors stay in the layouts that the primitives like. Forward
 * pass, input errors and parameter gradients are computed apart.
 */
@NullMarked
package io.github.dl4jpipeline.internal.engine;

import org.jspecify.annotations.NullMarked;
