package io.github.dl4jpipeline.benchmarks;

import io.github.dl4jpipeline.PipelineBuilder;
import io.github.dl4jpipeline.PipelineComputationGraph;
import io.github.dl4jpipeline.device.Device;
import io.github.dl4jpipeline.device.Devices;
import io.github.dl4jpipeline.partition.PartitionPlan;
import io.github.dl4jpipeline.partition.Stage;
import io.github.dl4jpipeline.schedule.Schedule;
import io.github.dl4jpipeline.schedule.Schedules;
import java.util.List;
import org.deeplearning4j.nn.conf.NeuralNetConfiguration;
import org.deeplearning4j.nn.conf.inputs.InputType;
import org.deeplearning4j.nn.conf.layers.ActivationLayer;
import org.deeplearning4j.nn.conf.layers.ConvolutionLayer;
import org.deeplearning4j.nn.conf.layers.DenseLayer;
import org.deeplearning4j.nn.conf.layers.OutputLayer;
import org.deeplearning4j.nn.conf.layers.SubsamplingLayer;
import org.deeplearning4j.nn.graph.ComputationGraph;
import org.nd4j.linalg.activations.Activation;
import org.nd4j.linalg.dataset.DataSet;
import org.nd4j.linalg.factory.Nd4j;
import org.nd4j.linalg.learning.config.Adam;
import org.nd4j.linalg.lossfunctions.LossFunctions.LossFunction;

/** The ways in which a soak trains its network: convolution, dense layers and a vertex that fails when it is told to. */
enum SoakPlan {
    TWO_STAGES(Schedules.oneForwardOneBackward(), 2),
    ZERO_BUBBLE(Schedules.zeroBubble(), 2),
    FILL_DRAIN(Schedules.fillDrain(), 2),
    INTERLEAVED(Schedules.oneForwardOneBackward(), 4),
    DATA_PARALLEL(Schedules.oneForwardOneBackward(), 1);

    static final int BATCH = 16;

    private static final List<String> VERTICES = List.of("image", "conv", "pool", "dense", "probe", "dense2", "output");

    private final Schedule schedule;
    private final int stages;

    SoakPlan(Schedule schedule, int stages) {
        this.schedule = schedule;
        this.stages = stages;
    }

    static DataSet batch(long seed) {
        Nd4j.getRandom().setSeed(seed);
        return new DataSet(Nd4j.rand(BATCH, 3, 8, 8), Nd4j.rand(BATCH, 4));
    }

    static ComputationGraph network() {
        ComputationGraph graph = new ComputationGraph(new NeuralNetConfiguration.Builder()
                .seed(7)
                .updater(new Adam(new FaultSchedule()))
                .activation(Activation.TANH)
                .graphBuilder()
                .addInputs("image")
                .setInputTypes(InputType.convolutional(8, 8, 3))
                .addLayer("conv", new ConvolutionLayer.Builder(3, 3).nOut(8).build(), "image")
                .addLayer("pool", new SubsamplingLayer.Builder().build(), "conv")
                .addLayer("dense", new DenseLayer.Builder().nOut(32).build(), "pool")
                .addLayer("probe", new ActivationLayer(new FaultActivation()), "dense")
                .addLayer("dense2", new DenseLayer.Builder().nOut(32).build(), "probe")
                .addLayer(
                        "output",
                        new OutputLayer.Builder(LossFunction.MSE)
                                .nOut(4)
                                .activation(Activation.IDENTITY)
                                .build(),
                        "dense2")
                .setOutputs("output")
                .build());
        graph.init();
        return graph;
    }

    PipelineComputationGraph pipeline() {
        ComputationGraph graph = network();
        List<Device> devices = Devices.cpu(2).list();
        PipelineBuilder builder =
                PipelineComputationGraph.builder(graph).schedule(schedule).exampleIndependent(FaultActivation.class);
        return builder.plan(plan(devices)).build();
    }

    private PartitionPlan plan(List<Device> devices) {
        return switch (stages) {
            case 1 -> PartitionPlan.of(List.of(Stage.of(devices, VERTICES)), 4);
            case 2 ->
                PartitionPlan.of(
                        List.of(
                                Stage.of(devices.get(0), VERTICES.subList(0, 4)),
                                Stage.of(devices.get(1), VERTICES.subList(4, 7))),
                        4);
            default ->
                PartitionPlan.of(
                        List.of(
                                Stage.of(devices.get(0), VERTICES.subList(0, 2)),
                                Stage.of(devices.get(1), VERTICES.subList(2, 4)),
                                Stage.of(devices.get(0), VERTICES.subList(4, 5)),
                                Stage.of(devices.get(1), VERTICES.subList(5, 7))),
                        4);
        };
    }
}
