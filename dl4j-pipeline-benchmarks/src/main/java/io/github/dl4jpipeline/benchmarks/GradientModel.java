package io.github.dl4jpipeline.benchmarks;

import io.github.dl4jpipeline.cli.io.InputException;
import io.github.dl4jpipeline.cli.model.ImageSize;
import io.github.dl4jpipeline.cli.model.ModelShape;
import io.github.dl4jpipeline.cli.model.NamedModel;
import org.deeplearning4j.nn.conf.ComputationGraphConfiguration;
import org.deeplearning4j.nn.conf.graph.LayerVertex;
import org.deeplearning4j.nn.conf.layers.Layer;
import org.deeplearning4j.nn.graph.ComputationGraph;
import org.deeplearning4j.zoo.model.InceptionResNetV1;
import org.deeplearning4j.zoo.model.ResNet50;
import org.deeplearning4j.zoo.model.SqueezeNet;
import org.deeplearning4j.zoo.model.Xception;

/**
 * A network without dropout, whose gradient depends on nothing but parameters and batch.
 *
 * @param shape what it takes and gives
 */
record GradientModel(ComputationGraph graph, ModelShape shape) {
    private static final int CLASSES = 10;
    private static final int USUAL_SIDE = 96;

    /**
     * A model of Deeplearning4j's zoo for images of any size, or one of the examples.
     *
     * @param side height and width of the images of a model of the zoo; 0 for the usual
     * @throws InputException if there is no such name
     */
    static GradientModel of(String name, int side, int seed) {
        int usualSide = name.equals("inception-resnet-v1") ? 160 : USUAL_SIDE;
        int pixels = side == 0 ? usualSide : side;
        int[] images = {3, pixels, pixels};
        ComputationGraph zoo =
                switch (name) {
                    case "squeezenet" ->
                        SqueezeNet.builder()
                                .seed(seed)
                                .numClasses(CLASSES)
                                .inputShape(images)
                                .build()
                                .init();
                    case "xception" ->
                        Xception.builder()
                                .seed(seed)
                                .numClasses(CLASSES)
                                .inputShape(images)
                                .build()
                                .init();
                    case "inception-resnet-v1" ->
                        InceptionResNetV1.builder()
                                .seed(seed)
                                .numClasses(CLASSES)
                                .inputShape(images)
                                .build()
                                .init();
                    case "resnet50" ->
                        ResNet50.builder()
                                .seed(seed)
                                .numClasses(CLASSES)
                                .inputShape(images)
                                .build()
                                .init();
                    default -> null;
                };
        if (zoo != null) {
            return new GradientModel(withoutDropout(zoo), new ImageSize(images[0], pixels, CLASSES));
        }
        NamedModel example = NamedModel.of(name, seed);
        return new GradientModel(withoutDropout(example.graph()), example.shape());
    }

    private static ComputationGraph withoutDropout(ComputationGraph graph) {
        ComputationGraphConfiguration configuration =
                ComputationGraphConfiguration.fromJson(graph.getConfiguration().toJson());
        configuration.getVertices().values().forEach(vertex -> {
            if (vertex instanceof LayerVertex with) {
                Layer layer = with.getLayerConf().getLayer();
                layer.setIDropout(null);
            }
        });
        ComputationGraph without = new ComputationGraph(configuration);
        without.init(graph.params(), false);
        return without;
    }
}
