package io.github.dl4jpipeline.cli.train;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.stream.Stream;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;

class CheckpointsTest {
    @TempDir
    private Path directory;

    private Path newest;

    @BeforeEach
    void write() throws IOException {
        Files.createFile(directory.resolve("checkpoint-0001.zip"));
        newest = Files.createFile(directory.resolve("checkpoint-0002.zip"));
    }

    private static Stream<Throwable> failures() {
        return Stream.of(
                new OutOfMemoryError("Java heap space"),
                new UncheckedIOException("Cannot read it", new IOException("Input/output error")));
    }

    /** What passes, such as a shortage of memory, must not cost epochs. */
    @ParameterizedTest
    @MethodSource("failures")
    void aFailureToReadTheNewestIsNoReasonToUseAnOlderOne(Throwable failure) {
        List<Path> read = new ArrayList<>();
        List<String> warnings = new ArrayList<>();
        assertThatThrownBy(() -> Checkpoints.existing(directory, 3)
                        .requireLatest(
                                file -> {
                                    read.add(file);
                                    throw CheckpointsTest.<RuntimeException>unchecked(failure);
                                },
                                warnings::add))
                .isInstanceOf(UncheckedIOException.class)
                .hasMessageStartingWith("Cannot resume: " + newest + ": " + failure.getMessage())
                .hasMessageContaining("Try again, or move it away")
                .hasRootCause(failure.getCause() == null ? failure : failure.getCause());
        assertThat(read).containsExactly(newest);
        assertThat(warnings).isEmpty();
    }

    @SuppressWarnings({"unchecked", "TypeParameterUnusedInFormals"})
    private static <E extends Throwable> E unchecked(Throwable failure) throws E {
        throw (E) failure;
    }

    @Test
    void aDamagedNewestGivesWayToAnOlderOne() {
        List<String> warnings = new ArrayList<>();
        Checkpoints.Latest latest = Checkpoints.existing(directory, 3)
                .requireLatest(
                        file -> {
                            if (file.equals(newest)) {
                                throw new IllegalArgumentException(file + ": it ends early");
                            }
                            return new Checkpoint(null, null, null);
                        },
                        warnings::add);
        assertThat(latest.epochs()).isEqualTo(1);
        assertThat(warnings).containsExactly("damaged checkpoint " + newest + ": it ends early");
    }
}
