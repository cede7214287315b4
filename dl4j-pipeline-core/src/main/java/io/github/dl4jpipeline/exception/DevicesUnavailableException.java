package io.github.dl4jpipeline.exception;

/** Devices that were asked for cannot be used; the message says what was found, and what is needed. */
public class DevicesUnavailableException extends IllegalStateException {
    private static final long serialVersionUID = 1;

    public DevicesUnavailableException(String message) {
        super(message);
    }
}
