package io.github.dl4jpipeline.internal.profile;

import io.github.dl4jpipeline.graph.Vertex;
import io.github.dl4jpipeline.graph.VertexGraph;
import io.github.dl4jpipeline.internal.graph.UpdaterState;
import io.github.dl4jpipeline.internal.stage.MicroBatch;
import io.github.dl4jpipeline.profile.PassTimes;
import io.github.dl4jpipeline.profile.VertexBytes;
import io.github.dl4jpipeline.profile.VertexCost;
import java.util.List;
import java.util.function.Function;
import java.util.stream.IntStream;
import org.deeplearning4j.nn.graph.ComputationGraph;

/**
 * Times of a graph.
 *
 * @param sample the examples
 * @param share the part of the examples that {@code fewer} are, from 0 to 1; 1 if nothing can be told from them
 */
record ProfileTimes(OneDevice one, AllDevices all, MicroBatch sample, double share) {

    /**
     * Times on the first device.
     *
     * @param whole of all examples
     * @param fewer of a part of the examples, to tell what grows with their number
     * @param split of all examples, with split backward passes
     * @param twice of the part of the examples twice, as two micro-batches of a step; without runs if there is no such part
     */
    record OneDevice(VertexTimer whole, VertexTimer fewer, VertexTimer split, VertexTimer twice) {}

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

    /**
     * The cost of a vertex.
     *
     * @param addMillisPerByte time of adding gradients
     */
    VertexCost cost(Vertex vertex, VertexGraph vertices, ComputationGraph graph, double addMillisPerByte) {
        int position = vertex.position();
        VertexTimer whole = one.whole();
        VertexBytes bytes = bytes(vertex, graph);
        boolean shares = one.twice().runs() > 0 && one.twice().leftBytes(position) + bytes.packed() > 0;
        double added = addMillisPerByte * bytes.gradients();
        return new VertexCost(
                vertex.name(),
                vertex.inputs().stream()
                        .map(input -> vertices.get(input).name())
                        .toList(),
                vertex.role() == Vertex.Role.INPUT
                        ? PassTimes.NONE
                        : pass(timer -> timer.forwardMillis(position), shares, 0),
                pass(timer -> timer.backwardMillis(position), shares, added),
                whole.split(position, one.split()),
                bytes);
    }

    private VertexBytes bytes(Vertex vertex, ComputationGraph graph) {
        long width = graph.getConfiguration().getDataType().width();
        long parameters = vertex.parameters() * width;
        boolean trained = vertex.runsBackward() && parameters > 0;
        boolean apart = trained && one.whole().needsArrayApart(vertex.position());
        return new VertexBytes(
                one.whole().activationBytes(vertex.position()),
                parameters,
                trained ? parameters : 0,
                trained ? UpdaterState.elements(graph.getVertex(vertex.name())) * width : 0,
                apart ? parameters : one.twice().leftBytes(vertex.position()),
                one.whole().packedBytes(vertex.position()));
    }

    /**
     * What comes once is what two micro-batches of a step save beside two steps of one. They have added gradients, which a
     * prediction counts apart.
     *
     * <p>Slowest is a pass the most times slower than usual that it has been alone, beside others, or on all devices as one.
     *
     * @param shares whether it was measured what micro-batches have in common, and there is anything
     * @param added time of adding gradients
     */
    private PassTimes pass(Function<VertexTimer, List<Double>> ofPass, boolean shares, double added) {
        List<Double> own = ofPass.apply(one.whole());
        List<Double> alone = ofPass.apply(all.alone());
        List<Double> shared = ofPass.apply(all.shared());
        List<Double> joint = ofPass.apply(all.joint());
        double usual = Median.of(own);
        double sharedUsual = Median.of(alone) == 0 ? 0 : usual * (Median.of(shared) / Median.of(alone));
        double sharedWorst = sharedUsual + longest(shared) - Median.of(shared);
        double jointWorst = Median.of(joint) == 0 ? 0 : usual * (longest(joint) / Median.of(joint));
        double fewer = Median.of(ofPass.apply(one.fewer()));
        double saved = shares ? 2 * fewer - ofBoth(ofPass.apply(one.twice())) : 0;
        return new PassTimes(
                usual,
                Math.max(VertexTimer.fixed(fewer, usual, share), Math.min(usual, saved)),
                Math.max(longest(own), Math.max(sharedWorst, jointWorst)),
                shares ? Math.max(0, Math.min(usual, saved + added)) : 0);
    }

    /** What two runs, one after the other, usually take together. */
    private static double ofBoth(List<Double> times) {
        return Median.of(IntStream.range(0, times.size() / 2)
                .mapToDouble(pair -> times.get(2 * pair) + times.get(2 * pair + 1))
                .toArray());
    }

    private static double longest(List<Double> times) {
        return times.stream().mapToDouble(Double::doubleValue).max().orElse(0);
    }
}
