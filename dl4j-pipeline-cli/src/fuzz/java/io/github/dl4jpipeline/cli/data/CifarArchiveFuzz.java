package io.github.dl4jpipeline.cli.data;

import com.code_intelligence.jazzer.api.FuzzedDataProvider;
import com.code_intelligence.jazzer.junit.FuzzTest;
import java.io.IOException;
import java.util.Arrays;

/** Archives of CIFAR-10 batches with changed bytes, before or after they are compressed. */
class CifarArchiveFuzz {
    private static final int MOST_CHANGES = 8;
    private static final int BLOCK = 512;

    /** A header, the blocks of a batch of one image. */
    private static final int BLOCKS_OF_BATCH = 1 + (CifarFormat.RECORD_BYTES + BLOCK - 1) / BLOCK;

    @FuzzTest(maxDuration = "", maxExecutions = 20_000)
    void bytes(FuzzedDataProvider data) throws IOException {
        byte[] tar = CifarArchives.tar();
        if (data.consumeBoolean()) {
            CifarContract.archive(changed(CifarArchives.compressed(tar), 0, data));
            return;
        }
        int header = data.consumeInt(0, 5) * BLOCKS_OF_BATCH * BLOCK;
        byte[] damaged = changed(tar, header, data);
        if (data.consumeBoolean() && damaged.length >= header + BLOCK) {
            CifarArchives.repair(damaged, header);
        }
        CifarContract.archive(CifarArchives.compressed(damaged));
    }

    private static byte[] changed(byte[] bytes, int from, FuzzedDataProvider data) {
        int changes = data.consumeInt(1, MOST_CHANGES);
        for (int i = 0; i < changes; i++) {
            int at = from + data.consumeInt(0, Math.min(BLOCK, bytes.length - from) - 1);
            byte[] values = data.consumeBytes(data.consumeInt(1, 12));
            System.arraycopy(values, 0, bytes, at, Math.min(values.length, bytes.length - at));
        }
        return data.consumeBoolean() ? bytes : Arrays.copyOf(bytes, data.consumeInt(0, bytes.length));
    }
}
