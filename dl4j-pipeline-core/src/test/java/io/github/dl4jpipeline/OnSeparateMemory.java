package io.github.dl4jpipeline;

import io.github.dl4jpipeline.device.Devices;
import io.github.dl4jpipeline.device.SeparateMemory;
import io.github.dl4jpipeline.device.SeparateMemoryRuntime;
import org.junit.jupiter.api.extension.AfterAllCallback;
import org.junit.jupiter.api.extension.BeforeAllCallback;
import org.junit.jupiter.api.extension.ExtensionContext;
import org.nd4j.linalg.factory.Nd4j;

/** Runs the tests of a class with {@link SeparateMemory}, and the plans of {@link SameResult} on such devices. */
public final class OnSeparateMemory implements BeforeAllCallback, AfterAllCallback {
    static final long PLENTY = 1L << 33;

    private SeparateMemory memory;

    @Override
    public void beforeAll(ExtensionContext context) {
        Nd4j.create(1);
        memory = SeparateMemory.install();
        SameResult.planOn(count -> SeparateMemoryRuntime.devices(count, PLENTY));
    }

    @Override
    public void afterAll(ExtensionContext context) {
        SeparateMemoryRuntime.reset();
        SameResult.planOn(Devices::cpu);
        memory.close();
    }
}
