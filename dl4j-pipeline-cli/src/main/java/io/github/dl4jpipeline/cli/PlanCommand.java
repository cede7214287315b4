package io.github.dl4jpipeline.cli;

import io.github.dl4jpipeline.cli.io.InputException;
import io.github.dl4jpipeline.cli.io.Json;
import io.github.dl4jpipeline.cli.io.OutputFile;
import io.github.dl4jpipeline.internal.plan.TilePlan;
import io.github.dl4jpipeline.partition.PartitionPlan;
import io.github.dl4jpipeline.plan.ClusterPlan;
import io.github.dl4jpipeline.profile.GraphProfile;
import java.io.PrintWriter;
import java.nio.file.Path;
import java.util.Optional;
import java.util.OptionalInt;
import java.util.concurrent.Callable;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.Spec;

/** Plans the training of a model or profile. */
@Command(
        name = "plan",
        description = "Finds the stages, replicas and micro-batches with the shortest predicted step, and says why.",
        footerHeading = Main.EXAMPLES,
        footer = {
            "  dl4j-pipeline plan --model lenet                    for the cores of this machine",
            "  dl4j-pipeline plan --model lenet --stages 2         a pipeline, and what else there is",
            "  dl4j-pipeline plan --profile lenet.json --devices 4 what `profile --out` has written",
            "  dl4j-pipeline plan --profile graph.txt --devices 4  a profile of PipeDream",
            "  dl4j-pipeline plan --machines 4 --cores 16 --bandwidth 10gbit --latency 0.1"
        },
        mixinStandardHelpOptions = true,
        abbreviateSynopsis = true,
        sortOptions = false)
final class PlanCommand implements Callable<Integer> {
    @Mixin
    private final PlanningOptions planning = new PlanningOptions();

    @Option(
            names = "--devices",
            paramLabel = "N",
            description =
                    "Devices like the one that was profiled, each with caches and memory of its own. Default: this"
                            + " machine, whose cores share them.")
    private @Nullable Integer devices;

    @Option(names = "--stages", paramLabel = "N", description = "Number of stages. Default: the best.")
    private @Nullable Integer stages;

    @Option(
            names = "--tiles",
            paramLabel = "auto",
            description = "Choose which vertices of the model to run in which tiles, instead of stages.")
    private @Nullable String tiles;

    @Option(names = "--json", paramLabel = "FILE", description = "Write the figures there.")
    private @Nullable Path json;

    @Spec
    private CommandSpec spec;

    @Override
    public Integer call() {
        OptionalInt count = Options.requirePositiveIfGiven("--devices", devices);
        OptionalInt wanted = Options.requirePositiveIfGiven("--stages", stages);
        Optional<OutputFile> jsonFile = Optional.ofNullable(json).map(path -> OutputFile.probe("--json", path));
        if (tiles != null && !tiles.equals("auto")) {
            throw new InputException("--tiles must be auto here, got " + tiles);
        }
        if (tiles != null && wanted.isPresent()) {
            throw new InputException("--tiles puts all vertices into one stage; leave out --stages");
        }
        boolean forMachines = planning.isForMachines(devices != null);
        if (forMachines && (tiles != null || planning.machines().size() > 1)) {
            throw new InputException(
                    tiles != null
                            ? "--tiles is for the devices of one machine; leave out --machines"
                            : "plan --machines takes one number; `simulate` takes several");
        }
        GraphProfile profile = planning.profile(spec.commandLine().getErr());
        if (tiles != null) {
            TilePlan plan = planning.tiles(profile, count);
            jsonFile.ifPresent(file -> Json.write(file, TilePlanFigures.of(plan)));
            print(plan.explain());
            return 0;
        }
        if (forMachines) {
            ClusterPlan plan = planning.clusterPlan(profile, planning.machines().get(0), wanted);
            jsonFile.ifPresent(file -> Json.write(file, PlanFigures.of(plan.plan())));
            print(planning.explain(plan.plan()) + "Cluster: " + plan.verdict() + System.lineSeparator());
            return 0;
        }
        PartitionPlan plan = planning.plan(profile, count, wanted);
        jsonFile.ifPresent(file -> Json.write(file, PlanFigures.of(plan)));
        print(planning.explain(plan));
        return 0;
    }

    private void print(String text) {
        PrintWriter stdout = spec.commandLine().getOut();
        stdout.print(text);
        stdout.flush();
    }
}
