package io.github.dl4jpipeline.spark;

import java.io.File;
import java.io.IOException;
import java.net.InetAddress;
import java.net.ServerSocket;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.TimeUnit;
import java.util.stream.Stream;
import org.apache.spark.SparkConf;

/** A standalone master and workers as processes of their own, on the loopback address, from the class path of the tests. */
final class RealCluster implements AutoCloseable {
    private static final String LOOPBACK = "127.0.0.1";
    static final String OPENED = "--add-opens=java.base/sun.nio.ch=ALL-UNNAMED";

    private final Path directory;
    private final String url;
    private final int cores;
    private final List<Process> processes = new ArrayList<>();

    /** Starts workers with so many cores each. */
    RealCluster(int workers, int cores) throws IOException {
        this.cores = workers * cores;
        directory = Files.createTempDirectory("spark");
        Files.createDirectory(directory.resolve("jars"));
        int port = freePort();
        url = "spark://" + LOOPBACK + ":" + port;
        start("org.apache.spark.deploy.master.Master", "--host", LOOPBACK, "--port", "" + port, "--webui-port", "0");
        for (int worker = 0; worker < workers; worker++) {
            start(
                    "org.apache.spark.deploy.worker.Worker",
                    "--host",
                    LOOPBACK,
                    "--webui-port",
                    "0",
                    "--cores",
                    "" + cores,
                    "--memory",
                    "4g",
                    "--work-dir",
                    directory.resolve("work-" + worker).toString(),
                    url);
        }
    }

    private static int freePort() throws IOException {
        for (int port = 39_100; port < 40_000; port++) {
            try (ServerSocket socket = new ServerSocket(port, 1, InetAddress.getLoopbackAddress())) {
                return socket.getLocalPort();
            } catch (IOException e) {
                // somebody else has it
            }
        }
        throw new IOException("There is no free port");
    }

    private void start(String main, String... arguments) throws IOException {
        List<String> command = new ArrayList<>(List.of(
                Path.of(System.getProperty("java.home"), "bin", "java").toString(),
                "-Xmx256m",
                "-XX:TieredStopAtLevel=1",
                OPENED,
                "-cp",
                classPath(),
                main));
        command.addAll(List.of(arguments));
        ProcessBuilder builder = new ProcessBuilder(command).redirectErrorStream(true);
        builder.redirectOutput(directory.resolve("log-" + processes.size()).toFile());
        builder.environment().put("SPARK_HOME", directory.toString());
        builder.environment().put("SPARK_SCALA_VERSION", "2.12");
        builder.environment().put("SPARK_LOCAL_IP", LOOPBACK);
        builder.environment().put("OMP_WAIT_POLICY", "passive");
        processes.add(builder.start());
    }

    static String classPath() {
        return Stream.of(System.getProperty("java.class.path").split(File.pathSeparator))
                .map(entry -> Path.of(entry).toAbsolutePath().toString())
                .reduce((first, second) -> first + File.pathSeparator + second)
                .orElseThrow();
    }

    /** Where the master listens. */
    String url() {
        return url;
    }

    /** Settings of a driver with executors of one core. */
    SparkConf conf() {
        return new SparkConf()
                .setAppName("test")
                .setMaster(url)
                .set("spark.driver.host", LOOPBACK)
                .set("spark.driver.bindAddress", LOOPBACK)
                .set("spark.ui.enabled", "false")
                .set("spark.cores.max", "" + cores)
                .set("spark.executor.cores", "1")
                .set("spark.executor.memory", "512m")
                .set("spark.executor.extraClassPath", classPath())
                .set(
                        "spark.executor.extraJavaOptions",
                        OPENED + " -XX:TieredStopAtLevel=1 -Dorg.bytedeco.javacpp.maxbytes=1G"
                                + " -Dorg.bytedeco.javacpp.maxphysicalbytes=0");
    }

    /** The processes of executors, which the workers have started. */
    List<ProcessHandle> executors() {
        return processes.stream()
                .skip(1)
                .flatMap(worker -> worker.toHandle().children())
                .toList();
    }

    /** Sends KILL or STOP to a process. */
    static void signal(String signal, ProcessHandle process) {
        try {
            new ProcessBuilder("kill", "-" + signal, Long.toString(process.pid()))
                    .start()
                    .waitFor();
        } catch (IOException | InterruptedException e) {
            throw new IllegalStateException(e);
        }
    }

    @Override
    public void close() throws IOException, InterruptedException {
        for (ProcessHandle executor : executors()) {
            executor.destroyForcibly();
        }
        for (Process process : processes) {
            process.destroyForcibly();
            process.waitFor(5, TimeUnit.SECONDS);
        }
        try (Stream<Path> files = Files.walk(directory)) {
            files.sorted((first, second) -> second.compareTo(first))
                    .forEach(file -> file.toFile().delete());
        }
    }
}
