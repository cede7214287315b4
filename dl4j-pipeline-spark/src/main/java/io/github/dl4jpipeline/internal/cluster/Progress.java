package io.github.dl4jpipeline.internal.cluster;

import java.io.Serializable;
import java.nio.ByteBuffer;

/**
 * How far training has come.
 *
 * @param iteration steps done
 * @param epoch epochs done
 * @param batches those done of the epoch after these
 */
public record Progress(int iteration, int epoch, long batches) implements Serializable {
    static final int BYTES = 16;

    /** @param steps that it took */
    Progress afterBatch(int steps) {
        return new Progress(iteration + steps, epoch, batches + 1);
    }

    Progress afterEpoch() {
        return new Progress(iteration, epoch + 1, 0);
    }

    void write(ByteBuffer buffer) {
        buffer.putInt(iteration).putInt(epoch).putLong(batches);
    }

    static Progress read(ByteBuffer buffer) {
        return new Progress(buffer.getInt(), buffer.getInt(), buffer.getLong());
    }
}
