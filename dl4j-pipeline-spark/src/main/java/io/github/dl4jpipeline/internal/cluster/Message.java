package io.github.dl4jpipeline.internal.cluster;

import io.github.dl4jpipeline.internal.wire.Header;

/** The types of messages. */
final class Message {
    /** An array of a name. */
    static final byte ARRAY = Header.FIRST_TYPE;

    /** There is no array of a name. */
    static final byte NONE = ARRAY + 1;

    /** To the host: send elements of the model. The content is their number. */
    static final byte LOAD = ARRAY + 2;

    /** To the host: new elements of the model. */
    static final byte STORE = ARRAY + 3;

    /**
     * To the host: all elements have been sent that belong to an iteration. The content is the progress; {@link Header#kind} is 1 if
     * training is done. Back to the worker: so have all others.
     */
    static final byte STORED = ARRAY + 4;

    /** To the host: a step is done. The content is the worker's part of the score, and the number of epochs before. */
    static final byte STEP = ARRAY + 5;

    /** A worker has failed. The content is the text; {@link Header#kind} is 1 if this is where it began. */
    static final byte FAILED = ARRAY + 6;

    /** To the host: a worker is there. The content is its name. */
    static final byte HELLO = ARRAY + 7;

    private Message() {}
}
