package io.github.dl4jpipeline;

import org.junit.jupiter.api.extension.ExtendWith;

/** What fails in the update, on devices with their own memory. */
@ExtendWith(OnSeparateMemory.class)
class SeparateMemoryUpdateFailureTest extends UpdateFailureTest {}
