package io.github.dl4jpipeline.cli;

import static org.assertj.core.api.Assertions.assertThat;

import io.github.dl4jpipeline.profile.GraphProfile;
import io.github.dl4jpipeline.profile.VertexCost;
import java.nio.file.Path;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class ProfileCommandTest {
    @TempDir
    private Path directory;

    @Test
    void writesTheProfileItself() {
        Path out = directory.resolve("profile.json");
        Path json = directory.resolve("figures.json");

        CommandRun run = CommandRun.of("profile", "--model", "lenet", "--batch", 2, "--out", out, "--json", json);

        assertThat(run.exitCode()).as(run.err()).isZero();
        GraphProfile profile = GraphProfile.load(out);
        assertThat(profile.examples()).isEqualTo(2);
        assertThat(profile.vertices())
                .extracting(VertexCost::vertex)
                .containsExactly("input", "conv1", "pool1", "conv2", "pool2", "dense1", "output");
        assertThat(json).hasSameTextualContentAs(out);
        assertThat(run.out()).contains("conv2", "ms for 2 images");
    }
}
