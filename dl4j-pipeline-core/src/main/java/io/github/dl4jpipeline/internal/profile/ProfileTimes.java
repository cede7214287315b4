package io.github.dl4jpipeline.internal.profile;

import io.github.dl4jpipeline.graph.Vertex;
import io.github.dl4jpipeline.graph.VertexGraph;
import io.github.dl4jpipeline.internal.graph.UpdaterState;
import io.github.dl4jpipeline.profile.PassTimes;
import io.github.dl4jpipeline.profile.VertexBytes;
import io.github.dl4jpipeline.profile.VertexCost;
import java.util.List;
import java.util.function.Function;
import org.deeplearning4j.nn.graph.ComputationGraph;

/**
 * Times of a graph.
 *
 * @param share the part of the examples that {@code fewer} are, from 0 to 1; 1 if nothing can be told from them
 */
record ProfileTimes(OneDevice one, AllDevices all, double share) {

    /**
     * Times on the first device.
     *
     * @param whole of all examples
     * @param fewer of a part of the examples, to tell what grows with their number
     * @param split of all examples, with split backward passes
     */
    record OneDevice(VertexTimer whole, VertexTimer fewer, VertexTimer split) {}

    /**
     * Times that tell how devices get on with each other.
     *
     * @param alone of a device's share of the examples on the first device
     * @param shared the same while the others do the same, on the slowest, so that whatever else the machine did got into the
     *     way
     * @param joint of all examples on all cores as one device
     * @param jointFewer of a part of the examples on all cores as one device
     */
    record AllDevices(VertexTimer alone, VertexTimer shared, VertexTimer joint, VertexTimer jointFewer) {}

    /** The cost of a vertex. */
    VertexCost cost(Vertex vertex, VertexGraph vertices, ComputationGraph graph) {
        int position = vertex.position();
        VertexTimer whole = one.whole();
        return new VertexCost(
                vertex.name(),
                vertex.inputs().stream()
                        .map(input -> vertices.get(input).name())
                        .toList(),
                vertex.role() == Vertex.Role.INPUT ? PassTimes.NONE : pass(timer -> timer.forwardMillis(position)),
                pass(timer -> timer.backwardMillis(position)),
                whole.split(position, one.split()),
                bytes(vertex, graph));
    }

    private VertexBytes bytes(Vertex vertex, ComputationGraph graph) {
        long width = graph.getConfiguration().getDataType().width();
        long parameters = vertex.parameters() * width;
        boolean trained = vertex.runsBackward() && parameters > 0;
        return new VertexBytes(
                one.whole().activationBytes(vertex.position()),
                parameters,
                trained ? parameters : 0,
                trained ? UpdaterState.elements(graph.getVertex(vertex.name())) * width : 0,
                trained && one.whole().needsArrayApart(vertex.position()) ? parameters : 0);
    }

    /** Slowest is a pass the most times slower than usual that it has been alone, beside others, or on all devices as one. */
    private PassTimes pass(Function<VertexTimer, List<Double>> ofPass) {
        List<Double> own = ofPass.apply(one.whole());
        List<Double> alone = ofPass.apply(all.alone());
        List<Double> shared = ofPass.apply(all.shared());
        List<Double> joint = ofPass.apply(all.joint());
        double usual = Median.of(own);
        double sharedUsual = Median.of(alone) == 0 ? 0 : usual * (Median.of(shared) / Median.of(alone));
        double sharedWorst = sharedUsual + longest(shared) - Median.of(shared);
        double jointWorst = Median.of(joint) == 0 ? 0 : usual * (longest(joint) / Median.of(joint));
        return new PassTimes(
                usual,
                VertexTimer.fixed(Median.of(ofPass.apply(one.fewer())), usual, share),
                Math.max(longest(own), Math.max(sharedWorst, jointWorst)));
    }

    private static double longest(List<Double> times) {
        return times.stream().mapToDouble(Double::doubleValue).max().orElse(0);
    }
}
