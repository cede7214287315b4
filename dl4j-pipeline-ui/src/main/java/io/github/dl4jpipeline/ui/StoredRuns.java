package io.github.dl4jpipeline.ui;

import com.fasterxml.jackson.databind.node.TextNode;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.List;
import org.deeplearning4j.core.storage.Persistable;
import org.deeplearning4j.core.storage.StatsStorage;
import org.jspecify.annotations.Nullable;

/** Reads from storages what the page shows. */
final class StoredRuns {
    private StoredRuns() {}

    /** A run: the state that was stored last. */
    private record Run(StatsStorage storage, PipelineStats state) {}

    /**
     * The data of a run as JSON: the sessions that there are, newest first, the state of one and the points of its curves.
     *
     * @param asked session of the run; null for the one that was stored last
     */
    static String of(List<StatsStorage> storages, @Nullable String asked) {
        List<Run> runs = new ArrayList<>();
        for (StatsStorage storage : storages) {
            for (String session : storage.listSessionIDs()) {
                storage.getAllStaticInfos(session, PipelineStats.TYPE).stream()
                        .filter(PipelineStats.class::isInstance)
                        .forEach(state -> runs.add(new Run(storage, (PipelineStats) state)));
            }
        }
        runs.sort(Comparator.comparingLong((Run run) -> run.state().getTimeStamp()).reversed());
        StringBuilder json = new StringBuilder("{\"sessions\":[");
        for (int i = 0; i < runs.size(); i++) {
            json.append(i == 0 ? "" : ",").append(quoted(runs.get(i).state().getSessionID()));
        }
        json.append("]");
        runs.stream()
                .filter(run -> asked == null || run.state().getSessionID().equals(asked))
                .findFirst()
                .ifPresent(run -> append(json, run));
        return json.append("}").toString();
    }

    private static void append(StringBuilder json, Run run) {
        PipelineStats state = run.state();
        json.append(",\"session\":").append(quoted(state.getSessionID()));
        json.append(",\"storedMillis\":").append(state.getTimeStamp());
        json.append(",\"state\":").append(state.json());
        json.append(",\"points\":[");
        String separator = "";
        for (Persistable point : run.storage()
                .getAllUpdatesAfter(state.getSessionID(), PipelineStats.TYPE, state.getWorkerID(), 0)) {
            if (point instanceof PipelineStats) {
                json.append(separator).append(((PipelineStats) point).json());
                separator = ",";
            }
        }
        json.append("]");
    }

    private static String quoted(String text) {
        return TextNode.valueOf(text).toString();
    }
}
