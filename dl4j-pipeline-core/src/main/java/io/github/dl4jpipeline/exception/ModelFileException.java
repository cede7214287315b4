package io.github.dl4jpipeline.exception;

import org.jspecify.annotations.Nullable;

/** A file is not the model that it should be. The message names the file, the entry in it, and the reason. */
public final class ModelFileException extends IllegalArgumentException {
    private static final long serialVersionUID = 1;

    private final boolean named;

    public ModelFileException(String reason) {
        this(reason, null);
    }

    public ModelFileException(String reason, @Nullable Throwable cause) {
        this(reason, cause, false);
    }

    private ModelFileException(String message, @Nullable Throwable cause, boolean named) {
        super(message, cause);
        this.named = named;
    }

    /** The same with the place where it has happened, unless it has been said. */
    public ModelFileException in(String place) {
        return named ? this : new ModelFileException(place + ": " + getMessage(), getCause(), true);
    }
}
