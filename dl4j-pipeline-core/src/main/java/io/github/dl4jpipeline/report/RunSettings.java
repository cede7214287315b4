package io.github.dl4jpipeline.report;

import io.github.dl4jpipeline.device.Device;
import io.github.dl4jpipeline.partition.PartitionPlan;
import io.github.dl4jpipeline.partition.Stage;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Collections;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.function.Function;
import java.util.stream.Collectors;
import java.util.stream.IntStream;
import org.nd4j.linalg.factory.Nd4j;

/** What a run is made with, as names and texts for people: the settings of its plan, and the machine and versions of a process. */
public final class RunSettings {
    private static final Path PROCESSOR = Path.of("/proc/cpuinfo");

    private RunSettings() {}

    /** The settings of a plan, in the order in which they are to be shown. */
    public static Map<String, String> ofPlan(PartitionPlan plan) {
        Map<String, String> settings = new LinkedHashMap<>();
        settings.put("stages", String.valueOf(plan.stages().size()));
        settings.put("replicas", ofStages(plan, stage -> String.valueOf(stage.replicas())));
        settings.put("micro-batches", String.valueOf(plan.microBatches()));
        if (!plan.predictedStepTime().isZero()) { // one that is made by hand is for any batch
            settings.put("examples of a batch", String.valueOf(plan.examples()));
        }
        settings.put("schedule", plan.schedule().name());
        settings.put(
                "devices",
                plan.devices().list().stream().map(RunSettings::device).collect(Collectors.joining(", ")));
        if (plan.stages().stream().anyMatch(Stage::recompute)) {
            settings.put("activations", ofStages(plan, stage -> stage.recompute() ? "computed again" : "kept"));
        }
        plan.tiling().ifPresent(tiling -> settings.put("tiles", tiling.toString()));
        return Collections.unmodifiableMap(settings);
    }

    /** One text if it is that of all stages. */
    private static String ofStages(PartitionPlan plan, Function<Stage, String> text) {
        List<String> texts = plan.stages().stream().map(text).toList();
        return texts.stream().distinct().count() == 1
                ? texts.get(0)
                : IntStream.range(0, texts.size())
                        .mapToObj(stage -> "stage " + stage + ": " + texts.get(stage))
                        .collect(Collectors.joining(", "));
    }

    private static String device(Device device) {
        return device.threads() == 1 ? device.id() : device.id() + " with " + device.threads() + " threads";
    }

    /** The machine and the versions of this process, in the order in which they are to be shown. */
    public static Map<String, String> ofThisProcess() {
        Runtime runtime = Runtime.getRuntime();
        Map<String, String> settings = new LinkedHashMap<>();
        settings.put(
                "system",
                System.getProperty("os.name") + " " + System.getProperty("os.version") + ", "
                        + System.getProperty("os.arch"));
        processor().ifPresent(name -> settings.put("processor", name));
        settings.put("cores", String.valueOf(runtime.availableProcessors()));
        settings.put(
                "Java",
                System.getProperty("java.version") + ", " + System.getProperty("java.vm.name")
                        + Html.number(", heap of at most %.0f MB", runtime.maxMemory() / 1e6));
        settings.put("ND4J's backend", Nd4j.getBackend().getClass().getSimpleName());
        settings.put("Deeplearning4j", Versions.ofDeeplearning4j());
        settings.put("dl4j-pipeline", Versions.ofPipeline());
        return Collections.unmodifiableMap(settings);
    }

    /** The first processor's model, if the system says. */
    private static Optional<String> processor() {
        try {
            return Files.readAllLines(PROCESSOR, StandardCharsets.ISO_8859_1).stream()
                    .filter(line -> line.startsWith("model name"))
                    .map(line -> line.substring(line.indexOf(':') + 1).strip())
                    .findFirst();
        } catch (IOException notThere) {
            return Optional.empty();
        }
    }
}
