package io.github.dl4jpipeline.failure;

import io.github.dl4jpipeline.fixture.OnSeparateMemory;
import org.junit.jupiter.api.extension.ExtendWith;

/** What fails in the update, on devices with their own memory. */
@ExtendWith(OnSeparateMemory.class)
class SeparateMemoryUpdateFailureTest extends UpdateFailureTest {}
