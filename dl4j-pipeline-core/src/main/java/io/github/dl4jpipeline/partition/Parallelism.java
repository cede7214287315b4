package io.github.dl4jpipeline.partition;

/** The ways to train a graph on devices. */
public enum Parallelism {
    /** One stage on one device, or on all cores as one device. */
    ONE_DEVICE("one device"),
    /** Replicas of the whole graph. */
    DATA_PARALLEL("data parallel"),
    /** Stages, each on one device. */
    PIPELINE("pipeline"),
    /** Both: stages, some of them on several devices. */
    REPLICATED_PIPELINE("pipeline of replicated stages"),
    /** Spatial tiles of some vertices on all devices. */
    TILES("tiles");

    private final String words;

    Parallelism(String words) {
        this.words = words;
    }

    /** As people say it, such as {@code data parallel}. */
    @Override
    public String toString() {
        return words;
    }

    boolean hasStages() {
        return this == PIPELINE || this == REPLICATED_PIPELINE;
    }
}
