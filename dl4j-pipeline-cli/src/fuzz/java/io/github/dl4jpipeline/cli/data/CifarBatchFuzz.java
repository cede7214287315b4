package io.github.dl4jpipeline.cli.data;

import com.code_intelligence.jazzer.api.FuzzedDataProvider;
import com.code_intelligence.jazzer.junit.FuzzTest;
import java.io.IOException;
import java.util.Arrays;

/** CIFAR-10 batches of about as many bytes as a few images have. */
class CifarBatchFuzz {
    private static final int MOST_IMAGES = 3;

    @FuzzTest(maxDuration = "", maxExecutions = 20_000)
    void batches(FuzzedDataProvider data) throws IOException {
        CifarContract.batches(batch(data), batch(data));
    }

    private static byte[] batch(FuzzedDataProvider data) {
        int rest = data.consumeBoolean() ? 0 : data.consumeInt(-2, CifarFormat.RECORD_BYTES);
        byte[] batch = new byte[Math.max(0, data.consumeInt(0, MOST_IMAGES) * CifarFormat.RECORD_BYTES + rest)];
        Arrays.fill(batch, data.consumeByte());
        for (int image = 0; image * CifarFormat.RECORD_BYTES < batch.length; image++) {
            batch[image * CifarFormat.RECORD_BYTES] = data.consumeByte((byte) -2, (byte) CifarFormat.CLASSES);
        }
        return batch;
    }
}
