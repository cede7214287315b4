package io.github.dl4jpipeline.cuda;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.github.dl4jpipeline.device.DeviceRuntime;
import io.github.dl4jpipeline.exception.DevicesUnavailableException;
import java.io.File;
import java.io.IOException;
import java.net.MalformedURLException;
import java.net.URI;
import java.net.URL;
import java.net.URLClassLoader;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.ServiceLoader;
import java.util.concurrent.ConcurrentLinkedQueue;
import java.util.regex.Pattern;
import java.util.stream.Stream;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** Where CUDA cannot run, this module loads without ND4J's CUDA backend or any native library of it. */
class ClassLoadingTest {
    private static final List<String> OF_CUDA =
            List.of("org.nd4j.jita.", "org.nd4j.linalg.jcublas.", "org.bytedeco.cuda.");

    /** Loads the class path anew and keeps account of it. */
    private static final class RecordingLoader extends URLClassLoader {
        private final ConcurrentLinkedQueue<String> loaded = new ConcurrentLinkedQueue<>();

        RecordingLoader(List<URL> urls) {
            super(urls.toArray(URL[]::new), ClassLoader.getPlatformClassLoader());
        }

        @Override
        protected Class<?> findClass(String name) throws ClassNotFoundException {
            Class<?> found = super.findClass(name);
            loaded.add(name);
            return found;
        }
    }

    @ParameterizedTest(name = "classes of nd4j-cuda on the class path: {0}")
    @ValueSource(booleans = {false, true})
    void everyClassLoadsAndTheAnswerIsAMessage(boolean classesOfNd4jCuda) throws Exception {
        try (RecordingLoader loader = new RecordingLoader(classPath(classesOfNd4jCuda))) {
            for (String name : namesOfThisModule()) {
                Class.forName(name, true, loader);
            }
            Class<?> service = loader.loadClass(DeviceRuntime.class.getName());
            Object runtime = ServiceLoader.load(service, loader).findFirst().orElseThrow();
            assertThat(runtime.getClass().getName()).isEqualTo(CudaDeviceRuntime.class.getName());
            assertThat(service.getMethod("kind").invoke(runtime)).hasToString("GPU");
            assertThat(service.getMethod("sharesMemory").invoke(runtime)).isEqualTo(false);

            assertThatThrownBy(() -> service.getMethod("devices").invoke(runtime))
                    .cause()
                    .satisfies(refusal -> assertThat(refusal.getClass().getName())
                            .isEqualTo(DevicesUnavailableException.class.getName()))
                    .hasMessageContainingAll("Needed: ", "What runs instead: Devices.cpu()");

            assertThat(loader.loaded)
                    .contains(CudaDeviceRuntime.class.getName(), "com.sun.jna.Native")
                    .noneMatch(name -> OF_CUDA.stream().anyMatch(name::startsWith))
                    .doesNotContain("org.nd4j.linalg.factory.Nd4j");
        }
    }

    private static List<URL> classPath(boolean classesOfNd4jCuda) throws MalformedURLException {
        String path = System.getProperty("java.class.path")
                + (classesOfNd4jCuda ? File.pathSeparator + System.getProperty("nd4j.cuda.jar") : "");
        List<URL> urls = new ArrayList<>();
        for (String entry : path.split(Pattern.quote(File.pathSeparator), -1)) {
            urls.add(Path.of(entry).toUri().toURL());
        }
        return urls;
    }

    private static List<String> namesOfThisModule() throws IOException {
        Path root = Path.of(URI.create(CudaDeviceRuntime.class
                .getProtectionDomain()
                .getCodeSource()
                .getLocation()
                .toString()));
        try (Stream<Path> files = Files.walk(root)) {
            List<String> names = files.map(file -> root.relativize(file).toString())
                    .filter(file -> file.endsWith(".class"))
                    .map(file ->
                            file.substring(0, file.length() - ".class".length()).replace(File.separatorChar, '.'))
                    .toList();
            assertThat(names).contains(CudaDeviceRuntime.class.getName(), CudaBackend.class.getName());
            return names;
        }
    }
}
