package io.github.dl4jpipeline.internal.cluster;

import io.github.dl4jpipeline.graph.VertexGraph;
import io.github.dl4jpipeline.internal.wire.Limits;
import io.github.dl4jpipeline.partition.PartitionPlan;
import java.io.BufferedReader;
import java.io.File;
import java.io.IOException;
import java.io.InputStreamReader;
import java.io.ObjectOutputStream;
import java.net.InetAddress;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.security.SecureRandom;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Collections;
import java.util.List;
import java.util.Map;
import java.util.concurrent.TimeUnit;
import java.util.function.IntConsumer;
import java.util.stream.Collectors;
import java.util.stream.IntStream;
import org.deeplearning4j.nn.graph.ComputationGraph;
import org.jspecify.annotations.Nullable;
import org.nd4j.linalg.api.ndarray.INDArray;
import org.nd4j.linalg.dataset.api.MultiDataSet;

/** Trains with workers in processes of their own, without a cluster: for measurements and tests. */
public final class WorkerProcesses {
    private static final int SECRET_BYTES = 32;

    /**
     * Where the processes are.
     *
     * @param prefixes what stands before {@code java} in the command of each worker, such as {@code taskset -c 0}
     * @param addresses where each worker listens
     * @param host where this process listens
     * @param javaOptions options of all
     * @param silence after which a member is given up
     */
    public record Place(
            List<List<String>> prefixes,
            List<String> addresses,
            String host,
            List<String> javaOptions,
            Duration silence) {
        private static final String LOOPBACK = "127.0.0.1";

        /** One process on each of some cores. */
        public static Place onCores(List<Integer> cores, List<String> javaOptions) {
            return new Place(
                    cores.stream()
                            .map(core -> List.of("taskset", "-c", String.valueOf(core)))
                            .toList(),
                    Collections.nCopies(cores.size(), LOOPBACK),
                    LOOPBACK,
                    javaOptions,
                    Duration.ofSeconds(8));
        }
    }

    private final Place place;
    private final Path directory;
    private final List<Process> processes = new ArrayList<>();

    private WorkerProcesses(Place place, Path directory) {
        this.place = place;
        this.directory = directory;
    }

    /**
     * Trains all epochs. The graph then has the result.
     *
     * @param afterStep is told the number of each step that is done, in the calling thread
     * @throws WorkerLostException if a worker is lost
     * @throws io.github.dl4jpipeline.exception.PipelineException if a step fails
     */
    public static void train(
            ComputationGraph graph,
            PartitionPlan plan,
            List<? extends MultiDataSet> batches,
            int epochs,
            Place place,
            IntConsumer afterStep)
            throws IOException, InterruptedException {
        Path directory = Files.createTempDirectory("workers");
        WorkerProcesses workers = new WorkerProcesses(place, directory);
        try {
            workers.run(graph, plan, batches, epochs, afterStep);
        } finally {
            workers.end();
        }
    }

    private void run(
            ComputationGraph graph,
            PartitionPlan plan,
            List<? extends MultiDataSet> batches,
            int epochs,
            IntConsumer afterStep)
            throws IOException, InterruptedException {
        byte[] secret = new byte[SECRET_BYTES];
        new SecureRandom().nextBytes(secret);
        @Nullable INDArray state = graph.getUpdater(true).getStateViewArray();
        Assignment assignment = new Assignment(
                graph.getConfiguration().toJson(),
                plan.toJson(),
                graph.params().length(),
                state == null ? 0 : state.length(),
                new Progress(0, 0, 0),
                epochs,
                0,
                false);
        BatchCutter cutter = new BatchCutter(VertexGraph.of(graph), graph.getConfiguration(), plan);
        Limits limits = limits();
        try (TrainingHost host = new TrainingHost(
                plan.workers(), graph.params(), state, InetAddress.getByName(place.host()), secret, limits)) {
            for (int worker = 0; worker < plan.workers(); worker++) {
                int number = worker;
                start(new WorkerProcess.Job(
                        assignment,
                        worker,
                        place.addresses(),
                        place.host(),
                        host.address().getPort(),
                        secret,
                        batches.stream()
                                .map(batch -> cutter.piece(number, batch))
                                .toList(),
                        place.silence()));
            }
            tellPorts();
            host.run(new Steps(afterStep), this::ended, limits.connect());
        }
        for (Process process : processes) {
            process.waitFor(limits.close().toSeconds() + 1, TimeUnit.SECONDS);
        }
    }

    private Limits limits() {
        Limits usual = Limits.USUAL;
        return new Limits(place.silence().dividedBy(8), place.silence(), usual.connect(), usual.close());
    }

    private record Steps(IntConsumer afterStep) implements TrainingHost.Events {
        @Override
        public void step(int iteration, int epoch, double score) {
            afterStep.accept(iteration);
        }

        @Override
        public void checkpoint(Progress progress) {}
    }

    private void start(WorkerProcess.Job job) throws IOException {
        Path file = directory.resolve("job-" + job.worker());
        try (ObjectOutputStream out = new ObjectOutputStream(Files.newOutputStream(file))) {
            out.writeObject(job);
        }
        List<String> command = new ArrayList<>(place.prefixes().get(job.worker()));
        command.add(Path.of(System.getProperty("java.home"), "bin", "java").toString());
        command.addAll(place.javaOptions());
        command.addAll(List.of("-cp", classPath(), WorkerProcess.class.getName(), file.toString()));
        ProcessBuilder builder = new ProcessBuilder(command)
                .redirectError(directory.resolve("errors-" + job.worker()).toFile());
        builder.environment().putAll(Map.of("OMP_NUM_THREADS", "1", "OMP_WAIT_POLICY", "passive"));
        processes.add(builder.start());
    }

    private static String classPath() {
        return Arrays.stream(System.getProperty("java.class.path").split(File.pathSeparator))
                .map(entry -> Path.of(entry).toAbsolutePath().toString())
                .collect(Collectors.joining(File.pathSeparator));
    }

    /** Each worker says its port, and is told those of all. */
    private void tellPorts() throws IOException {
        List<String> ports = new ArrayList<>();
        for (int worker = 0; worker < processes.size(); worker++) {
            BufferedReader said = new BufferedReader(
                    new InputStreamReader(processes.get(worker).getInputStream(), StandardCharsets.UTF_8));
            String line = said.readLine();
            while (line != null && !line.matches("[0-9]+")) { // of a library
                line = said.readLine();
            }
            if (line == null) {
                throw new IOException("Worker " + worker + " has not started: "
                        + Files.readString(directory.resolve("errors-" + worker)));
            }
            ports.add(line);
        }
        byte[] all = (String.join(" ", ports) + "\n").getBytes(StandardCharsets.UTF_8);
        for (Process process : processes) {
            process.getOutputStream().write(all);
            process.getOutputStream().flush();
        }
    }

    /** Why no worker will say more; null while all run. */
    private @Nullable Throwable ended() {
        return IntStream.range(0, processes.size())
                .filter(worker -> !processes.get(worker).isAlive()
                        && processes.get(worker).exitValue() != 0)
                .mapToObj(worker -> new IOException("Worker " + worker + " has ended: " + errors(worker)))
                .findFirst()
                .orElse(null);
    }

    private String errors(int worker) {
        try {
            return Files.readString(directory.resolve("errors-" + worker));
        } catch (IOException e) {
            return e.toString();
        }
    }

    private void end() throws IOException {
        processes.forEach(Process::destroyForcibly);
        try (var files = Files.list(directory)) {
            for (Path file : files.toList()) {
                Files.delete(file);
            }
        }
        Files.delete(directory);
    }
}
