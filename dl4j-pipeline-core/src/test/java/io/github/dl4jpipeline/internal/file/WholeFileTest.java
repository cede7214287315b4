package io.github.dl4jpipeline.internal.file;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assumptions.assumeThat;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.FileTime;
import java.time.Instant;
import java.util.List;
import java.util.Set;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class WholeFileTest {
    @TempDir
    private Path directory;

    @Test
    void replacesTheFileInOneStep() throws IOException {
        Path file = directory.resolve("file");
        WholeFile.write(file, draft -> Files.writeString(draft, "one"));
        WholeFile.write(file, draft -> {
            Files.writeString(draft, "two");
            assertThat(file).hasContent("one");
        });
        assertThat(file).hasContent("two");
        assertThat(files()).containsExactly("file");
    }

    @Test
    void aFailureLeavesTheFileAsItWasAndNoDraft() throws IOException {
        Path file = Files.writeString(directory.resolve("file"), "old");
        assertThatThrownBy(() -> WholeFile.write(file, draft -> {
                    Files.writeString(draft, "half");
                    throw new IOException("No space left on device");
                }))
                .isInstanceOf(UncheckedIOException.class)
                .hasMessage("Cannot write " + file + ": No space left on device");
        assertThatThrownBy(() -> WholeFile.write(file, draft -> {
                    Files.writeString(draft, "half");
                    throw new OutOfMemoryError();
                }))
                .isInstanceOf(OutOfMemoryError.class);
        assertThat(file).hasContent("old");
        assertThat(files()).containsExactly("file");
    }

    /** The device that is always full. */
    @Test
    void aFullDiskIsAnErrorThatSaysSo() {
        Path full = Path.of("/dev/full");
        assumeThat(full).exists();
        assertThatThrownBy(() -> WholeFile.write(directory.resolve("file"), draft -> {
                    Files.createSymbolicLink(draft, full);
                    Files.write(draft, new byte[1 << 16]);
                }))
                .isInstanceOf(UncheckedIOException.class)
                .hasMessageContaining("No space left on device");
        assertThat(directory).isEmptyDirectory();
    }

    @Test
    void removesWhatEndedProcessesHaveLeft() throws IOException {
        long own = ProcessHandle.current().pid();
        Path ended = draft("file", 999999999L);
        Path earlier = draft("file", own);
        Files.setLastModifiedTime(earlier, FileTime.from(Instant.EPOCH)); // of a process that had our number before us
        Path other = draft("other", 999999999L);
        Path foreign = Files.createFile(directory.resolve(".file.x.part"));
        Files.createDirectory(directory.resolve(".file.999999998.part"));

        WholeFile.probe(directory.resolve("file2"));
        assertThat(List.of(ended, earlier, other, foreign)).allMatch(Files::exists);
        WholeFile.removeAbandoned(directory, Set.of("file")::contains);
        assertThat(List.of(ended, earlier)).noneMatch(Files::exists);
        assertThat(List.of(other, foreign, directory.resolve(".file.999999998.part")))
                .allMatch(Files::exists);

        Path now = draft("file", own);
        WholeFile.removeAbandoned(directory, Set.of("file")::contains);
        assertThat(now).exists();
    }

    private Path draft(String name, long process) throws IOException {
        return Files.createFile(directory.resolve("." + name + "." + process + ".part"));
    }

    private List<String> files() throws IOException {
        try (Stream<Path> files = Files.list(directory)) {
            return files.map(file -> file.getFileName().toString()).toList();
        }
    }
}
