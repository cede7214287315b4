package io.github.dl4jpipeline.internal.partition;

import io.github.dl4jpipeline.profile.VertexCost;
import java.util.BitSet;
import java.util.List;
import java.util.function.ToDoubleFunction;

/** Costs of all vertices before each place; a stage costs the difference of two of them. */
final class PlaceSums {
    final double[] millis;
    final double[] forwardMillis;
    final double[] gradientBytes;

    /** What a micro-batch takes longer that is not the first of its device. */
    final double[] laterMillis;

    /** Parameters, gradients, updater state. */
    final double[] fixedBytes;

    /** Activations of one micro-batch. */
    final double[] activationBytes;

    /** What crosses the cut, one way. */
    final double[] crossingBytes;

    PlaceSums(CutPlaces places, PartitionRequest request) {
        List<VertexCost> costs = request.costs();
        millis = sums(places, costs, VertexCost::millis);
        forwardMillis = sums(places, costs, VertexCost::forwardMillis);
        gradientBytes = sums(places, costs, VertexCost::gradientBytes);
        laterMillis = sums(places, costs, cost -> cost.laterMillis(request.addMillisPerByte()));
        fixedBytes = sums(places, costs, cost -> cost.trainingBytes(request.microBatches()));
        activationBytes = sums(places, costs, VertexCost::activationBytes);
        crossingBytes = new double[places.size()];
        for (int place = 0; place < crossingBytes.length; place++) {
            for (int vertex : places.crossing(place)) {
                crossingBytes[place] += costs.get(vertex).activationBytes();
            }
        }
    }

    /** Neighbours differ by few vertices, so each sum is made from the one before. */
    private static double[] sums(CutPlaces places, List<VertexCost> costs, ToDoubleFunction<VertexCost> value) {
        double[] sums = new double[places.size()];
        for (int place = 1; place < sums.length; place++) {
            BitSet changed = (BitSet) places.members(place).clone();
            changed.xor(places.members(place - 1));
            sums[place] = sums[place - 1];
            for (int vertex = changed.nextSetBit(0); vertex >= 0; vertex = changed.nextSetBit(vertex + 1)) {
                double ofVertex = value.applyAsDouble(costs.get(vertex));
                sums[place] += places.members(place).get(vertex) ? ofVertex : -ofVertex;
            }
        }
        return sums;
    }
}
