package io.github.dl4jpipeline.internal.stage;

import java.util.Set;
import java.util.function.Consumer;
import org.jspecify.annotations.Nullable;
import org.nd4j.linalg.api.buffer.DataType;
import org.nd4j.linalg.api.ndarray.INDArray;

/**
 * The other workers of a pipeline, in other processes, and the host that has the model's arrays. Each worker runs one replica of a
 * stage. Any method throws if a peer has failed or is lost.
 */
public interface Peers {
    /** What an array is for. */
    enum Kind {
        /** What a vertex has put out for a micro-batch. */
        ACTIVATION(1),
        /** The error of a vertex for a micro-batch. */
        ERROR(2),
        /** The gradient sums of a replica. */
        GRADIENTS(3),
        /** Parameters. */
        PARAMETERS(4),
        /** Updater state. */
        STATE(5);

        private final byte code;

        Kind(int code) {
            this.code = (byte) code;
        }

        /** What stands for it in messages. */
        public byte code() {
            return code;
        }

        /** What a code stands for. */
        public static Kind of(byte code) {
            for (Kind kind : values()) {
                if (kind.code == code) {
                    return kind;
                }
            }
            throw new IllegalArgumentException("There is no array of kind " + code);
        }
    }

    /**
     * The name of an array. Arrays of one name arrive in the order in which they were sent.
     *
     * @param index position of a vertex, or an element of the model's flat array
     * @param microBatch the micro-batch; 0 for what belongs to none
     */
    record Name(Kind kind, long index, int microBatch) {
        /** What belongs to no micro-batch. */
        public static Name of(Kind kind, long index) {
            return new Name(kind, index, 0);
        }
    }

    /** The number of the worker that runs here, as the plan counts its workers. */
    int worker();

    /** Sends an array, or null to say that there is none. The array may be changed as soon as this returns. */
    void send(int worker, Name name, @Nullable INDArray array);

    /** A vector of zeros. Where some workers are on the same machine, they can read it there when it is lent. */
    INDArray lendable(DataType type, long length, Set<Integer> readers);

    /**
     * As {@link #send}, without a copy where the vector is part of a {@linkplain #lendable lendable} one. It must stay as it is until
     * the receiver has used it, which later messages have to show.
     */
    void lend(int worker, Name name, INDArray vector);

    /** Waits for an array. It is allocated in the current workspace; null if the peer has said that there is none. */
    @Nullable INDArray receive(int worker, Name name);

    /** Waits for a vector, which is valid until {@code use} returns. Nothing is copied or allocated. */
    void receive(int worker, Name name, Consumer<INDArray> use);

    /** Fills a vector with elements of the model's flat array on the host, from {@link Name#index}. */
    void load(Name name, INDArray own);

    /** Makes elements of the model's flat array on the host those of a vector, from {@link Name#index}. */
    void store(Name name, INDArray own);
}
