package io.github.dl4jpipeline.internal.wire;

import java.nio.ByteBuffer;
import java.util.Set;

/**
 * Memory of a member that others on the same machine read where it is.
 *
 * @param number of this block among its owner's
 * @param memory of its owner; zeros at first
 * @param readers who can read it
 */
public record Block(int number, ByteBuffer memory, Set<Integer> readers) {}
