package io.github.dl4jpipeline.cli.compare;

import com.fasterxml.jackson.annotation.JsonAnyGetter;
import java.util.Comparator;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.stream.Collectors;

/**
 * What was measured of one system.
 *
 * @param name {@code pipeline}, {@code one-core}, {@code one-stage}, {@code parallel-wrapper}, {@code stock-fit} or {@code
 *     stock-fit-helpers}
 * @param medianMillis median time of a step
 * @param minMillis time of its fastest step
 * @param ompThreads threads of one operation
 * @param ratio its median divided by that of the pipeline; over 1, the pipeline is faster
 * @param details what applies to this system only, by key
 */
public record SystemFigures(
        String name,
        double medianMillis,
        double minMillis,
        int ompThreads,
        double ratio,
        @JsonAnyGetter Map<String, Object> details) {

    /** The figures of each name; of several settings, those with the best median. */
    static List<SystemFigures> of(Map<MeasuredSystem, StepTimes> times) {
        double pipelineMillis = times.entrySet().stream()
                .filter(entry -> entry.getKey().name().equals(PipelineFit.PIPELINE))
                .mapToDouble(entry -> entry.getValue().medianMillis())
                .findFirst()
                .orElseThrow();
        Map<String, List<Map.Entry<MeasuredSystem, StepTimes>>> byName = times.entrySet().stream()
                .collect(
                        Collectors.groupingBy(entry -> entry.getKey().name(), LinkedHashMap::new, Collectors.toList()));
        return byName.values().stream()
                .map(settings -> best(settings, pipelineMillis))
                .toList();
    }

    private static SystemFigures best(List<Map.Entry<MeasuredSystem, StepTimes>> settings, double pipelineMillis) {
        Map.Entry<MeasuredSystem, StepTimes> best = settings.stream()
                .min(Comparator.comparingDouble(entry -> entry.getValue().medianMillis()))
                .orElseThrow();
        MeasuredSystem system = best.getKey();
        Map<String, Object> details = new LinkedHashMap<>(system.details());
        if (settings.size() > 1) {
            settings.forEach(entry -> details.put(
                    "medianMillis" + entry.getKey().setting(), entry.getValue().medianMillis()));
        }
        double median = best.getValue().medianMillis();
        return new SystemFigures(
                system.name(),
                median,
                best.getValue().minMillis(),
                system.operationThreads(),
                median / pipelineMillis,
                details);
    }
}
