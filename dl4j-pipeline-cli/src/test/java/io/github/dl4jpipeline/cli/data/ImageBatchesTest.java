package io.github.dl4jpipeline.cli.data;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.util.ArrayList;
import java.util.List;
import java.util.NoSuchElementException;
import org.junit.jupiter.api.Test;
import org.nd4j.linalg.dataset.DataSet;

class ImageBatchesTest {
    private static final int IMAGES = 23;
    private static final int BATCH = 5;

    /** Image i is all of the value i, so that batches tell which images they hold. */
    private final ImageSet images = numbered();

    @Test
    void scalesPixelsAndMakesLabelsOneHot() {
        byte[] record = new byte[CifarFormat.RECORD_BYTES];
        record[0] = 7;
        record[1] = (byte) 255;
        record[1 + CifarFormat.SIZE * CifarFormat.SIZE + CifarFormat.SIZE + 1] = (byte) 255;

        DataSet batch = ImageBatches.inOrder(ImageSet.of(record), 4).next();

        assertThat(batch.getFeatures().shape()).containsExactly(1, 3, 32, 32);
        assertThat(batch.getFeatures().getFloat(0, 0, 0, 0)).isEqualTo(1);
        assertThat(batch.getFeatures().getFloat(0, 1, 1, 1)).isEqualTo(1);
        assertThat(batch.getFeatures().getFloat(0, 0, 0, 1)).isEqualTo(-1);
        assertThat(batch.getFeatures().sumNumber().intValue()).isEqualTo(-3072 + 4);
        assertThat(batch.getLabels().toFloatVector()).containsExactly(0, 0, 0, 0, 0, 0, 0, 1, 0, 0);
    }

    @Test
    void endsWithASmallerBatch() {
        ImageBatches batches = ImageBatches.inOrder(images, BATCH);
        List<Integer> sizes = new ArrayList<>();
        while (batches.hasNext()) {
            sizes.add(batches.next().numExamples());
        }
        assertThat(sizes).containsExactly(5, 5, 5, 5, 3);
        assertThat(batches.batches()).isEqualTo(5);
        assertThatThrownBy(batches::next).isInstanceOf(NoSuchElementException.class);
    }

    @Test
    void takesEveryImageOnceAnEpoch() {
        assertThat(order(ImageBatches.shuffled(images, BATCH, 1)))
                .hasSize(IMAGES)
                .doesNotHaveDuplicates()
                .isNotEqualTo(order(ImageBatches.inOrder(images, BATCH)));
    }

    @Test
    void orderFollowsFromSeedAndEpochAlone() {
        ImageBatches uninterrupted = ImageBatches.shuffled(images, BATCH, 9);
        List<List<Integer>> orders = new ArrayList<>();
        for (int epoch = 0; epoch < 3; epoch++) {
            uninterrupted.startEpoch(epoch);
            orders.add(order(uninterrupted));
        }
        ImageBatches resumed = ImageBatches.shuffled(images, BATCH, 9);
        resumed.startEpoch(2);

        assertThat(orders).doesNotHaveDuplicates();
        assertThat(order(resumed)).isEqualTo(orders.get(2));
        assertThat(order(ImageBatches.shuffled(images, BATCH, 10))).isNotIn(orders);
    }

    @Test
    void resetGoesBackToTheStartOfTheSameEpoch() {
        ImageBatches batches = ImageBatches.shuffled(images, BATCH, 9);
        batches.startEpoch(1);
        List<Integer> first = order(batches);
        batches.reset();
        assertThat(order(batches)).isEqualTo(first);
    }

    private static List<Integer> order(ImageBatches batches) {
        List<Integer> order = new ArrayList<>();
        while (batches.hasNext()) {
            DataSet batch = batches.next();
            for (int i = 0; i < batch.numExamples(); i++) {
                order.add(Math.round((batch.getFeatures().getFloat(i, 0, 0, 0) + 1) * 127.5f));
            }
        }
        return order;
    }

    private static ImageSet numbered() {
        byte[] records = new byte[IMAGES * CifarFormat.RECORD_BYTES];
        for (int i = 0; i < records.length; i++) {
            records[i] = i % CifarFormat.RECORD_BYTES == 0 ? 0 : (byte) (i / CifarFormat.RECORD_BYTES);
        }
        return ImageSet.of(records);
    }
}
