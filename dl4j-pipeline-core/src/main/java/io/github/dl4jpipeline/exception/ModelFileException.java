package io.github.dl4jpipeline.exception;

import org.jspecify.annotations.Nullable;

/** A file is not the model that it should be. The message names the file, the entry in it, and the reason. */
public final class ModelFileException extends IllegalArgumentException {
    private static final long serialVersionUID = 1;

    private final boolean named;
    private final boolean outOfMemory;

    public ModelFileException(String reason) {
        this(reason, null);
    }

    public ModelFileException(String reason, @Nullable Throwable cause) {
        this(reason, cause, false, false);
    }

    private ModelFileException(String message, @Nullable Throwable cause, boolean named, boolean outOfMemory) {
        super(message, cause);
        this.named = named;
        this.outOfMemory = outOfMemory;
    }

    /** There was not the memory that the file asks for, whoever is to blame. */
    public static ModelFileException outOfMemory(Throwable cause) {
        return new ModelFileException(
                "it needs more memory than there is: " + cause.getMessage()
                        + "; give Java more with -Xmx, and ND4J with -Dorg.bytedeco.javacpp.maxbytes and"
                        + " -Dorg.bytedeco.javacpp.maxphysicalbytes",
                cause,
                false,
                true);
    }

    /** Whether memory was too short to read the file, which may be whole. */
    public boolean isOutOfMemory() {
        return outOfMemory;
    }

    /** The same with the place where it has happened, unless it has been said. */
    public ModelFileException in(String place) {
        return named ? this : new ModelFileException(place + ": " + getMessage(), getCause(), true, outOfMemory);
    }
}
