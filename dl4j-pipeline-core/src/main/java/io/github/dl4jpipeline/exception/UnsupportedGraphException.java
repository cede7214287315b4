package io.github.dl4jpipeline.exception;

import java.util.List;

/** A graph cannot be trained in a pipeline. The message names every reason, and what to do instead. */
public final class UnsupportedGraphException extends UnsupportedOperationException {
    private static final long serialVersionUID = 1;

    public UnsupportedGraphException(List<String> reasons) {
        super("This graph cannot be trained in a pipeline:\n - " + String.join("\n - ", reasons));
    }
}
