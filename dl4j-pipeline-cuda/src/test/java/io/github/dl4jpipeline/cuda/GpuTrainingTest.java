package io.github.dl4jpipeline.cuda;

import static org.assertj.core.api.Assertions.assertThat;

import io.github.dl4jpipeline.PipelineComputationGraph;
import io.github.dl4jpipeline.device.DeviceRuntime;
import io.github.dl4jpipeline.device.Devices;
import java.util.List;
import org.deeplearning4j.nn.graph.ComputationGraph;
import org.nd4j.linalg.api.buffer.DataType;
import org.nd4j.linalg.dataset.MultiDataSet;

class GpuTrainingTest {
    private static final long MEBIBYTE = 1 << 20;
    private static final int BATCH = 64;

    private final DeviceRuntime runtime = new CudaDeviceRuntime();

    @OnGpus(1)
    void sameResultOnOneGpu() {
        TrainingCheck.sameResult(Devices.gpu(1));
    }

    @OnGpus(2)
    void sameResultOnTwoGpus() {
        TrainingCheck.sameResult(Devices.gpu(2));
    }

    @OnGpus(2)
    void memoryOfVgg16OnTwoGpus() {
        Devices devices = Devices.gpu(2);
        ComputationGraph graph = TestNetworks.vgg16();
        MultiDataSet batch = TestNetworks.batch(DataType.FLOAT, BATCH, 32, 1);
        List<Long> before = free(devices);
        try (PipelineComputationGraph net = TrainingCheck.pipeline(graph, devices, 4)) {
            net.fit(batch);
            net.fit(batch);
            List<Long> after = free(devices);
            GpuReport.line(
                    "- VGG16: %d MiB of parameters, gradients and updater state in all",
                    3 * graph.numParams() * Float.BYTES / MEBIBYTE);
            for (int i = 0; i < devices.size(); i++) {
                long taken = before.get(i) - after.get(i);
                GpuReport.line("- VGG16 on %s: takes %d MiB", devices.get(i).id(), taken / MEBIBYTE);
                assertThat(taken).isPositive();
            }
            GpuReport.line("%n```%n%s%n```%n", net.report());
        }
    }

    private List<Long> free(Devices devices) {
        return devices.list().stream().map(runtime::freeBytes).toList();
    }

    @OnGpus(2)
    void alexNetOnOneAndTwoGpus() {
        MultiDataSet batch = TestNetworks.batch(DataType.FLOAT, BATCH, 32, 1);
        ComputationGraph plain = TestNetworks.alexNet();
        GpuReport.line("- AlexNet, plain fit: %.1f ms a step", millisPerStep(plain, batch));
        for (int count = 1; count <= 2; count++) {
            try (PipelineComputationGraph net = TrainingCheck.pipeline(TestNetworks.alexNet(), Devices.gpu(count), 4)) {
                double millis = millisPerStep(net, batch);
                GpuReport.line("- AlexNet on %d GPUs, 4 micro-batches: %.1f ms a step", count, millis);
                assertThat(net.score()).isFinite();
            }
        }
    }

    private static double millisPerStep(ComputationGraph graph, MultiDataSet batch) {
        int steps = 20;
        for (int i = 0; i < 5; i++) {
            graph.fit(batch);
        }
        long start = System.nanoTime();
        for (int i = 0; i < steps; i++) {
            graph.fit(batch);
        }
        return (System.nanoTime() - start) / 1e6 / steps;
    }
}
