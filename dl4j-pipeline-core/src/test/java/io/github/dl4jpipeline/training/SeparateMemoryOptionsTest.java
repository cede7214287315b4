package io.github.dl4jpipeline.training;

import io.github.dl4jpipeline.fixture.OnSeparateMemory;
import org.junit.jupiter.api.extension.ExtendWith;

/** Updaters, constraints, gradient normalisation, frozen layers and workspace modes on devices with their own memory. */
@ExtendWith(OnSeparateMemory.class)
class SeparateMemoryOptionsTest extends TrainingOptionsTest {}
