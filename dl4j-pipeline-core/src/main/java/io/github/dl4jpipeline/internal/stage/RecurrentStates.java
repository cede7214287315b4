package io.github.dl4jpipeline.internal.stage;

import io.github.dl4jpipeline.internal.layers.Rows;
import java.util.HashMap;
import java.util.Map;
import java.util.concurrent.ConcurrentHashMap;
import org.nd4j.linalg.api.ndarray.INDArray;

/**
 * What recurrent layers carry from one segment of sequences to the next, in truncated back-propagation through time. Each vertex has a
 * state for the examples of each micro-batch. Any number of tasks may use it at once; between two steps one thread does.
 */
public final class RecurrentStates {
    /** Whose state it is. */
    private record Key(int vertex, Rows.Range examples) {}

    private Map<Key, Map<String, INDArray>> atBegin = Map.of();
    private Map<Key, Map<String, INDArray>> atEnd = new ConcurrentHashMap<>();

    /** Whether sequences begin with the next segment. */
    public boolean isEmpty() {
        return atBegin.isEmpty();
    }

    /** The state that a vertex begins the segment with; empty at the beginning of sequences. */
    Map<String, INDArray> atBegin(int vertex, Rows.Range examples) {
        return atBegin.getOrDefault(new Key(vertex, examples), Map.of());
    }

    /** Keeps the state that a vertex ends the segment with, as copies. */
    void keep(int vertex, Rows.Range examples, Map<String, INDArray> state) {
        Map<String, INDArray> copies = new HashMap<>();
        state.forEach((name, array) -> copies.put(name, array.dup(array.ordering())));
        atEnd.put(new Key(vertex, examples), copies);
    }

    /** The segment is done; the next begins where it has ended. */
    public void advance() {
        atBegin = atEnd;
        atEnd = new ConcurrentHashMap<>();
    }

    /** Other sequences begin. */
    public void clear() {
        atBegin = Map.of();
        atEnd = new ConcurrentHashMap<>();
    }
}
