package io.github.dl4jpipeline.cli.data;

import com.sun.net.httpserver.HttpExchange;
import com.sun.net.httpserver.HttpServer;
import java.io.IOException;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.net.URI;
import java.util.List;
import java.util.Optional;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.concurrent.atomic.AtomicInteger;

/** Serves an archive on this machine; some of its first answers may break off. */
final class ArchiveServer implements AutoCloseable {
    private final HttpServer server;
    private final byte[] archive;
    private final boolean ranges;
    private final AtomicInteger answersToCut;
    private final List<Optional<String>> requestedRanges = new CopyOnWriteArrayList<>();

    /**
     * A running server.
     *
     * @param ranges whether it serves ranges, or always the whole
     * @param answersToCut number of answers that end in the middle of what they announce
     */
    ArchiveServer(byte[] archive, boolean ranges, int answersToCut) throws IOException {
        this.archive = archive;
        this.ranges = ranges;
        this.answersToCut = new AtomicInteger(answersToCut);
        server = HttpServer.create(new InetSocketAddress(InetAddress.getLoopbackAddress(), 0), 0);
        server.createContext("/archive.tar.gz", this::answer);
        server.start();
    }

    URI address(String path) {
        return URI.create("http://127.0.0.1:" + server.getAddress().getPort() + path);
    }

    /** The range header of each request so far. */
    List<Optional<String>> requestedRanges() {
        return List.copyOf(requestedRanges);
    }

    private void answer(HttpExchange exchange) throws IOException {
        Optional<String> range =
                Optional.ofNullable(exchange.getRequestHeaders().getFirst("Range"));
        requestedRanges.add(range);
        int from = range.filter(header -> ranges)
                .map(header -> Integer.parseInt(header.substring("bytes=".length(), header.length() - 1)))
                .orElse(0);
        int length = archive.length - from;
        if (from > 0) {
            exchange.getResponseHeaders()
                    .set("Content-Range", "bytes " + from + "-" + (archive.length - 1) + "/" + archive.length);
        }
        exchange.sendResponseHeaders(from > 0 ? 206 : 200, length);
        int sent = answersToCut.getAndDecrement() > 0 ? length / 2 : length;
        exchange.getResponseBody().write(archive, from, sent);
        exchange.getResponseBody().flush();
        exchange.close();
    }

    @Override
    public void close() {
        server.stop(0);
    }
}
