package io.github.dl4jpipeline.internal.onednn;

import org.bytedeco.javacpp.Pointer;

/** A place in native memory that belongs to somebody else. */
final class Address extends Pointer {
    Address at(long value) {
        address = value;
        return this;
    }
}
