package io.github.dl4jpipeline.internal.profile;

import io.github.dl4jpipeline.graph.GraphOutline;
import io.github.dl4jpipeline.internal.file.WholeFile;
import io.github.dl4jpipeline.profile.GraphProfile;
import io.github.dl4jpipeline.profile.VertexCost;
import java.io.IOException;
import java.nio.file.DirectoryStream;
import java.nio.file.Files;
import java.nio.file.InvalidPathException;
import java.nio.file.Path;
import java.nio.file.attribute.FileTime;
import java.time.Duration;
import java.time.Instant;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.List;
import java.util.Locale;
import java.util.Optional;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Profiles in a directory, each a file of its own that is written whole or not at all. So several processes can use the directory
 * at the same time. A file that cannot be read or written costs a profile and nothing else; a warning says why.
 *
 * @param directory where they are; it is made when the first is written
 */
public record ProfileCache(Path directory) {
    /** Names another directory, or is {@code off}. */
    public static final String PROPERTY = "dl4jpipeline.profileCache";

    private static final Logger log = LoggerFactory.getLogger(ProfileCache.class);

    private static final String ENDING = ".profile.json";
    private static final int MOST_FILES = 200;

    /** After that a profile is measured anew: it may have been taken while other work disturbed it. */
    private static final Duration LONGEST = Duration.ofDays(30);

    /** The cache of this user, as the system property has it; empty if it is off. */
    public static Optional<ProfileCache> usual() {
        String named = System.getProperty(PROPERTY, "");
        if (named.equalsIgnoreCase("off")) {
            return Optional.empty();
        }
        try {
            return named.isBlank()
                    ? userDirectory().map(ProfileCache::new)
                    : Optional.of(new ProfileCache(Path.of(named)));
        } catch (InvalidPathException e) {
            log.warn("Profiles are not kept, since {}={} is no path: {}", PROPERTY, named, e.getMessage());
            return Optional.empty();
        }
    }

    /** As the XDG base directory specification has it, or what is usual on the system. */
    private static Optional<Path> userDirectory() {
        String os = System.getProperty("os.name", "").toLowerCase(Locale.ROOT);
        String home = System.getProperty("user.home", "");
        String given = System.getenv(os.startsWith("windows") ? "LOCALAPPDATA" : "XDG_CACHE_HOME");
        Path base = null;
        if (given != null && !given.isBlank() && Path.of(given).isAbsolute()) {
            base = Path.of(given);
        } else if (!home.isBlank() && Path.of(home).isAbsolute()) {
            base = os.startsWith("mac") ? Path.of(home, "Library", "Caches") : Path.of(home, ".cache");
        }
        return Optional.ofNullable(base)
                .map(path -> path.resolve("dl4j-pipeline").resolve("profiles"));
    }

    /**
     * The profile under a key, if there is one of this graph that is not too old.
     *
     * @param examples of the sample; a profile may be of a part of them
     */
    public Optional<GraphProfile> read(String key, GraphOutline graph, int examples) {
        Path file = file(key);
        if (!Files.exists(file)) {
            return Optional.empty();
        }
        try {
            if (Files.getLastModifiedTime(file)
                    .toInstant()
                    .isBefore(Instant.now().minus(LONGEST))) {
                return Optional.empty();
            }
            GraphProfile profile = GraphProfile.load(file);
            Optional<String> difference = profile.examples() <= examples
                    ? VertexCost.outline(profile.vertices()).differenceFrom(graph)
                    : Optional.of("it is for " + profile.examples() + " examples, the sample has " + examples);
            difference.ifPresent(why -> log.warn("The profile {} is ignored: {}", file, why));
            return difference.isPresent() ? Optional.empty() : Optional.of(profile);
        } catch (IOException | RuntimeException e) {
            log.warn("The profile {} is ignored: {}", file, e.getMessage());
            return Optional.empty();
        }
    }

    /** Keeps a profile under a key, in place of the one before. */
    public void write(String key, GraphProfile profile) {
        try {
            Files.createDirectories(directory);
            String json = profile.toJson();
            WholeFile.write(file(key), draft -> Files.writeString(draft, json));
            removeOldest();
        } catch (IOException | RuntimeException e) {
            log.warn("The profile is not kept in {}: {}", directory, e.getMessage());
        }
    }

    private Path file(String key) {
        return directory.resolve(key + ENDING);
    }

    private void removeOldest() throws IOException {
        record Entry(Path file, FileTime time) {}
        List<Entry> entries = new ArrayList<>();
        try (DirectoryStream<Path> files = Files.newDirectoryStream(directory, "*" + ENDING)) {
            for (Path file : files) {
                entries.add(new Entry(file, Files.getLastModifiedTime(file)));
            }
        }
        if (entries.size() > MOST_FILES) {
            entries.sort(Comparator.comparing(Entry::time));
            for (Entry entry : entries.subList(0, entries.size() - MOST_FILES)) {
                Files.deleteIfExists(entry.file());
            }
        }
    }
}
