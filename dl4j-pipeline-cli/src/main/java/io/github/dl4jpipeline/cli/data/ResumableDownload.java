package io.github.dl4jpipeline.cli.data;

import java.io.IOException;
import java.io.InputStream;
import java.io.InterruptedIOException;
import java.io.OutputStream;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpResponse;
import java.nio.file.Files;
import java.nio.file.OpenOption;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.time.Duration;
import java.util.function.LongConsumer;

/**
 * Fetches an archive into a partial file, from where an earlier attempt has stopped. A connection that breaks is opened
 * again as long as each attempt brings something.
 */
final class ResumableDownload {
    private static final int MAX_ATTEMPTS = 20;
    private static final Duration CONNECT_TIMEOUT = Duration.ofSeconds(30);
    private static final int OK = 200;
    private static final int PARTIAL_CONTENT = 206;

    private final CifarArchive archive;
    private final Path partial;
    private final LongConsumer progress;
    private final HttpClient client = HttpClient.newBuilder()
            .connectTimeout(CONNECT_TIMEOUT)
            .followRedirects(HttpClient.Redirect.NORMAL)
            .build();

    /**
     * A download.
     *
     * @param partial where the bytes go; what it holds already is kept
     * @param progress takes the number of bytes that are there
     */
    ResumableDownload(CifarArchive archive, Path partial, LongConsumer progress) {
        this.archive = archive;
        this.partial = partial;
        this.progress = progress;
    }

    /**
     * Fetches what is missing. Afterwards the partial file has the archive's size; its content is not checked.
     *
     * @throws IOException if that fails; what has arrived stays for the next time
     */
    void run() throws IOException {
        if (present() > archive.bytes()) {
            Files.delete(partial);
        }
        for (int attempt = 1; present() < archive.bytes(); attempt++) {
            long before = present();
            try {
                fetch(before);
            } catch (IOException e) {
                if (present() <= before || attempt == MAX_ATTEMPTS) {
                    throw e;
                }
            }
            if (present() <= before) {
                throw new IOException(
                        archive.address() + " ends after " + before + " of " + archive.bytes() + " bytes");
            }
        }
    }

    private long present() throws IOException {
        return Files.exists(partial) ? Files.size(partial) : 0;
    }

    private void fetch(long from) throws IOException {
        HttpRequest.Builder request = HttpRequest.newBuilder(archive.address());
        if (from > 0) {
            request.header("Range", "bytes=" + from + "-");
        }
        HttpResponse<InputStream> response = send(request.build());
        try (InputStream body = response.body()) {
            boolean continues = response.statusCode() == PARTIAL_CONTENT
                    && response.headers().firstValue("Content-Range").orElse("").startsWith("bytes " + from + "-");
            if (!continues && response.statusCode() != OK) {
                throw new IOException(archive.address() + " answers with status " + response.statusCode());
            }
            append(body, continues ? from : 0);
        }
    }

    private HttpResponse<InputStream> send(HttpRequest request) throws IOException {
        try {
            return client.send(request, HttpResponse.BodyHandlers.ofInputStream());
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
            InterruptedIOException interrupted = new InterruptedIOException("Interrupted while downloading");
            interrupted.initCause(e);
            throw interrupted;
        }
    }

    private void append(InputStream body, long from) throws IOException {
        OpenOption[] options = {
            StandardOpenOption.CREATE,
            StandardOpenOption.WRITE,
            from == 0 ? StandardOpenOption.TRUNCATE_EXISTING : StandardOpenOption.APPEND
        };
        byte[] buffer = new byte[1 << 16];
        long total = from;
        try (OutputStream out = Files.newOutputStream(partial, options)) {
            for (int count = body.read(buffer); count >= 0; count = body.read(buffer)) {
                total += count;
                if (total > archive.bytes()) {
                    throw new IOException(archive.address() + " has more than the expected " + archive.bytes()
                            + " bytes; it is not the archive this program knows");
                }
                out.write(buffer, 0, count);
                progress.accept(total);
            }
        }
    }
}
