package io.github.dl4jpipeline.device;

import io.github.dl4jpipeline.exception.DevicesUnavailableException;
import java.util.function.Supplier;
import org.nd4j.linalg.api.ndarray.INDArray;

/**
 * Everything that depends on the kind of device: where threads run, where arrays are, and how they get from one device to
 * another. Found with {@link java.util.ServiceLoader}, except for that of the CPU.
 *
 * <p>An array is on the device of the thread that allocated it; arrays of threads that are bound to none are on the host.
 * Where devices have their own memory, a thread may only use arrays of its device, except through the copies here.
 */
public interface DeviceRuntime {
    /** Which devices it runs. */
    Device.Kind kind();

    /**
     * The devices of this machine.
     *
     * @throws DevicesUnavailableException if there are none that can be used; the message says what was found and what is
     *     needed
     */
    Devices devices();

    /** Whether all devices and the host use each other's arrays. */
    boolean sharesMemory();

    /** Binds the calling thread to a device for the rest of its life, before its first operation. */
    void bindCurrentThread(Device device);

    /**
     * Binds the calling thread to where the host's arrays are, before its first operation. Nothing to do where threads that
     * are bound to no device are there anyway.
     */
    default void bindCurrentThreadToHost() {}

    /** Runs {@code work} in this thread as in one of the device: what it allocates is there. */
    <T> T on(Device device, Supplier<T> work);

    /**
     * A contiguous copy of an array, of any device or the host, on the calling thread's device and in its current
     * workspace. Complete on return.
     */
    INDArray copyHere(INDArray array);

    /** A contiguous copy of an array of any device on the host, outside of workspaces. Complete on return. */
    INDArray copyToHost(INDArray array);

    /** Copies the elements of one array into another of the same length, wherever the two are. Complete on return. */
    void copy(INDArray from, INDArray to);

    /** Waits until everything that this thread has asked its device for is done. */
    void synchronize();

    /** Bytes that can be allocated on a device now. */
    long freeBytes(Device device);

    /** Bytes of a device's memory. */
    long totalBytes(Device device);
}
