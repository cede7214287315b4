package io.github.dl4jpipeline.cuda;

import io.github.dl4jpipeline.device.Device;

/**
 * A graphics card, as the driver describes it.
 *
 * @param index the driver's number of it, which ND4J uses too
 * @param major first number of its compute capability
 * @param minor second number of its compute capability
 */
record Gpu(int index, String name, int major, int minor, long memoryBytes) {
    private static final String ID = "gpu-";

    /** Whether ND4J's CUDA library has machine code that runs on it: compute capability 3.7 to 8.6. */
    boolean isSupported() {
        int capability = 10 * major + minor;
        return capability >= 37 && capability <= 86;
    }

    /** Name of the device in plans, reports and errors. */
    String id() {
        return ID + index;
    }

    /**
     * The number of the GPU that a device is.
     *
     * @throws IllegalArgumentException if it is none
     */
    static int indexOf(Device device) {
        try {
            if (device.kind() == Device.Kind.GPU && device.id().startsWith(ID)) {
                return Integer.parseInt(device.id().substring(ID.length()));
            }
        } catch (NumberFormatException e) {
            // said below
        }
        throw new IllegalArgumentException("Device " + device.id() + " (" + device.kind()
                + ") is none of this machine's GPUs; take devices from Devices.gpu()");
    }

    @Override
    public String toString() {
        return id() + " (" + name + ", compute capability " + major + "." + minor + ")";
    }
}
