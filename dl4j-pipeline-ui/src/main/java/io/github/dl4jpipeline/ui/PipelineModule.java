package io.github.dl4jpipeline.ui;

import io.vertx.ext.web.RoutingContext;
import java.io.IOException;
import java.io.InputStream;
import java.io.UncheckedIOException;
import java.nio.charset.StandardCharsets;
import java.util.Collection;
import java.util.List;
import java.util.Set;
import java.util.concurrent.CopyOnWriteArraySet;
import org.deeplearning4j.core.storage.StatsStorage;
import org.deeplearning4j.core.storage.StatsStorageEvent;
import org.deeplearning4j.ui.api.HttpMethod;
import org.deeplearning4j.ui.api.Route;
import org.deeplearning4j.ui.api.UIModule;
import org.deeplearning4j.ui.i18n.I18NResource;

/**
 * The page at {@code /pipeline} of Deeplearning4j's training UI, which finds this class by itself. The page shows the runs of all
 * storages that are attached to the server, while they train and afterwards.
 *
 * <p>The server's own pages have no place for further entries in their navigation. The entry comes with the text of another one. Should
 * a server's pages not show it, the address works all the same.
 */
public final class PipelineModule implements UIModule {
    private static final String FILES = "/dl4j_pipeline_ui/";
    private static final List<String> LANGUAGES = List.of("en", "de", "ja", "zh", "ko", "ru");

    private final Set<StatsStorage> storages = new CopyOnWriteArraySet<>();

    @Override
    public List<String> getCallbackTypeIDs() {
        return List.of(PipelineStats.TYPE);
    }

    @Override
    public List<Route> getRoutes() {
        return List.of(
                file("/pipeline", "page.html", "text/html; charset=utf-8"),
                file("/pipeline/page.js", "page.js", "text/javascript; charset=utf-8"),
                file("/pipeline/page.css", "page.css", "text/css; charset=utf-8"),
                new Route("/pipeline/data", HttpMethod.GET, (path, request) -> data(request)));
    }

    private static Route file(String route, String name, String type) {
        String content = content(name);
        return new Route(route, HttpMethod.GET, (path, request) -> respond(request, type, content));
    }

    private static String content(String name) {
        try (InputStream in = PipelineModule.class.getResourceAsStream(FILES + name)) {
            if (in == null) {
                throw new IllegalStateException("The jar of dl4j-pipeline-ui lacks " + FILES + name);
            }
            return new String(in.readAllBytes(), StandardCharsets.UTF_8);
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    private static void respond(RoutingContext request, String type, String content) {
        request.response()
                .putHeader("content-type", type)
                .putHeader("cache-control", "no-store")
                .putHeader("x-content-type-options", "nosniff")
                .putHeader(
                        "content-security-policy",
                        "default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self'; img-src data:")
                .end(content);
    }

    private void data(RoutingContext request) {
        String asked = request.request().getParam("session");
        respond(request, "application/json; charset=utf-8", StoredRuns.of(List.copyOf(storages), asked));
    }

    /** The page asks for itself. */
    @Override
    public void reportStorageEvents(Collection<StatsStorageEvent> events) {}

    @Override
    public void onAttach(StatsStorage storage) {
        storages.add(storage);
    }

    @Override
    public void onDetach(StatsStorage storage) {
        storages.remove(storage);
    }

    @Override
    public List<I18NResource> getInternationalizationResources() {
        return LANGUAGES.stream()
                .map(language -> new I18NResource("dl4j_pipeline_ui/navigation." + language))
                .toList();
    }
}
