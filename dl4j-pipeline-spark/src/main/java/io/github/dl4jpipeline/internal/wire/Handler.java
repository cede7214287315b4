package io.github.dl4jpipeline.internal.wire;

import java.nio.ByteBuffer;

/** Takes what arrives. Threads of the connections call it, one for each other member. */
public interface Handler {
    /** A message has come. The handler {@linkplain Group#release gives back} its content, now or later. */
    void received(int peer, Header header, ByteBuffer content);

    /** A member is lost: nothing comes from it any more. Not called for one that has said good-bye. */
    void lost(int peer, String why);
}
