package io.github.dl4jpipeline.ui;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.databind.node.ObjectNode;
import java.io.BufferedReader;
import java.io.File;
import java.io.IOException;
import java.net.URI;
import java.net.http.HttpClient;
import java.net.http.WebSocket;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CompletionStage;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import java.util.stream.Stream;

/** Chromium without a window, driven through the protocol of its developer tools. */
final class Chromium implements AutoCloseable {
    private static final List<String> NAMES =
            List.of("chromium", "chromium-browser", "google-chrome", "google-chrome-stable");
    private static final Pattern ADDRESS = Pattern.compile("DevTools listening on (ws://\\S+)");
    private static final int TIMEOUT_SECONDS = 60;
    private static final ObjectMapper MAPPER = new ObjectMapper();

    private final Process process;
    private final WebSocket socket;
    private final AtomicInteger calls = new AtomicInteger();
    private final Map<Integer, CompletableFuture<JsonNode>> answers = new ConcurrentHashMap<>();
    private final List<JsonNode> events = new CopyOnWriteArrayList<>();

    private Chromium(Process process, String address) {
        this.process = process;
        this.socket = HttpClient.newHttpClient()
                .newWebSocketBuilder()
                .buildAsync(URI.create(address), new Messages())
                .join();
    }

    /** One on the PATH. */
    static Optional<Path> find() {
        return Stream.of(System.getenv().getOrDefault("PATH", "").split(File.pathSeparator))
                .flatMap(directory -> NAMES.stream().map(name -> Path.of(directory, name)))
                .filter(Files::isExecutable)
                .findFirst();
    }

    /** Starts one that asks nobody for anything by itself. */
    static Chromium start(Path program, Path profile) throws IOException {
        ProcessBuilder builder = new ProcessBuilder(
                        program.toString(),
                        "--headless",
                        "--no-sandbox",
                        "--disable-gpu",
                        "--no-first-run",
                        "--disable-background-networking",
                        "--disable-component-update",
                        "--disable-sync",
                        "--remote-debugging-port=0",
                        "--user-data-dir=" + profile,
                        "about:blank")
                .redirectErrorStream(true);
        builder.environment().put("TMPDIR", profile.toString());
        Process process = builder.start();
        BufferedReader out = process.inputReader(StandardCharsets.UTF_8);
        List<String> lines = new ArrayList<>();
        for (String line = out.readLine(); line != null; line = out.readLine()) {
            lines.add(line);
            Matcher address = ADDRESS.matcher(line);
            if (address.find()) {
                Thread reader = new Thread(() -> out.lines().forEach(ignored -> {}), "chromium-output");
                reader.setDaemon(true);
                reader.start();
                return new Chromium(process, address.group(1));
            }
        }
        throw new IOException("Chromium has ended: " + lines);
    }

    /** Takes answers and events, which come in pieces. */
    private final class Messages implements WebSocket.Listener {
        private final StringBuilder pieces = new StringBuilder();

        @Override
        public CompletionStage<?> onText(WebSocket from, CharSequence piece, boolean last) {
            pieces.append(piece);
            if (last) {
                take(pieces.toString());
                pieces.setLength(0);
            }
            from.request(1);
            return CompletableFuture.completedFuture(null);
        }

        private void take(String text) {
            try {
                JsonNode message = MAPPER.readTree(text);
                if (message.has("id")) {
                    answers.remove(message.get("id").asInt()).complete(message);
                } else {
                    events.add(message);
                }
            } catch (IOException e) {
                throw new AssertionError(text, e);
            }
        }
    }

    private JsonNode call(String session, String method, Map<String, ?> parameters) {
        int id = calls.incrementAndGet();
        ObjectNode message = MAPPER.createObjectNode().put("id", id).put("method", method);
        message.set("params", MAPPER.valueToTree(parameters));
        if (!session.isEmpty()) {
            message.put("sessionId", session);
        }
        CompletableFuture<JsonNode> answer = new CompletableFuture<>();
        answers.put(id, answer);
        socket.sendText(message.toString(), true).join();
        JsonNode found = answer.orTimeout(TIMEOUT_SECONDS, TimeUnit.SECONDS).join();
        if (found.has("error")) {
            throw new AssertionError(method + ": " + found.get("error"));
        }
        return found.get("result");
    }

    /** A new tab of a width, in light or dark colours. */
    Tab tab(int width, boolean dark) {
        String target = call("", "Target.createTarget", Map.of("url", "about:blank"))
                .get("targetId")
                .asText();
        String session = call("", "Target.attachToTarget", Map.of("targetId", target, "flatten", true))
                .get("sessionId")
                .asText();
        Tab tab = new Tab(session);
        List.of("Page", "Runtime", "Log", "Network").forEach(domain -> call(session, domain + ".enable", Map.of()));
        call(
                session,
                "Emulation.setDeviceMetricsOverride",
                Map.of("width", width, "height", 900, "deviceScaleFactor", 1, "mobile", false));
        call(
                session,
                "Emulation.setEmulatedMedia",
                Map.of("features", List.of(Map.of("name", "prefers-color-scheme", "value", dark ? "dark" : "light"))));
        return tab;
    }

    /** One page. */
    final class Tab {
        private final String session;

        private Tab(String session) {
            this.session = session;
        }

        void open(String address) {
            call(session, "Page.navigate", Map.of("url", address));
        }

        /** Fails requests for addresses like this, in which * stands for anything. */
        void block(String pattern) {
            call(session, "Network.setBlockedURLs", Map.of("urls", List.of(pattern)));
        }

        /** The value of an expression in JavaScript, also of one that is promised. */
        JsonNode evaluate(String expression) {
            JsonNode found = call(
                    session,
                    "Runtime.evaluate",
                    Map.of("expression", expression, "returnByValue", true, "awaitPromise", true));
            if (found.has("exceptionDetails")) {
                throw new AssertionError(found.get("exceptionDetails").toString());
            }
            return found.get("result").path("value");
        }

        String text(String selector) {
            return evaluate("document.querySelector('" + selector + "')?.textContent ?? ''")
                    .asText();
        }

        /** The picture of the page, as PNG in Base64. */
        String picture() {
            return call(session, "Page.captureScreenshot", Map.of("captureBeyondViewport", true))
                    .get("data")
                    .asText();
        }

        /** Errors and warnings of the console, and exceptions. */
        List<String> complaints() {
            return events(Map.of(
                            "Runtime.exceptionThrown", "/exceptionDetails",
                            "Runtime.consoleAPICalled", "/args",
                            "Log.entryAdded", "/entry"))
                    .toList();
        }

        /** Addresses that were asked for. */
        List<String> requests() {
            return events(Map.of("Network.requestWillBeSent", "/request/url")).toList();
        }

        private Stream<String> events(Map<String, String> places) {
            return events.stream()
                    .filter(event -> event.path("sessionId").asText().equals(session))
                    .filter(event -> places.containsKey(event.get("method").asText()))
                    .map(event -> event.get("params")
                            .at(places.get(event.get("method").asText())))
                    .map(found -> found.isTextual() ? found.asText() : found.toString());
        }
    }

    @Override
    public void close() {
        process.destroy();
        try {
            if (!process.waitFor(TIMEOUT_SECONDS, TimeUnit.SECONDS)) {
                process.destroyForcibly();
            }
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
        }
    }
}
