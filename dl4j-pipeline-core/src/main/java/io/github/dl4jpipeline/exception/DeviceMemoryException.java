package io.github.dl4jpipeline.exception;

/** A stage takes more bytes than its device has. */
public class DeviceMemoryException extends IllegalArgumentException {
    private static final long serialVersionUID = 1;

    private final int stage;

    public DeviceMemoryException(int stage, String message) {
        super(message);
        this.stage = stage;
    }

    /** Which stage, from 0. */
    public int stage() {
        return stage;
    }
}
