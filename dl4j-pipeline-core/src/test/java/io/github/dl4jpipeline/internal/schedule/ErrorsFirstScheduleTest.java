package io.github.dl4jpipeline.internal.schedule;

import static io.github.dl4jpipeline.schedule.Task.backward;
import static io.github.dl4jpipeline.schedule.Task.forward;
import static io.github.dl4jpipeline.schedule.Task.weights;
import static org.assertj.core.api.Assertions.assertThat;

import io.github.dl4jpipeline.schedule.Schedule;
import io.github.dl4jpipeline.schedule.Schedules;
import io.github.dl4jpipeline.schedule.Workers;
import java.util.List;
import org.junit.jupiter.api.Test;

class ErrorsFirstScheduleTest {
    private static final Workers TWO = Workers.on(List.of(List.of("a"), List.of("b")));

    @Test
    void theLastStageLeavesParameterGradientsWhenItHasNoForwardTaskLeft() {
        Schedule usual = GroupingSchedule.of(Schedules.zeroBubble(), 2);
        Schedule schedule = new ErrorsFirstSchedule(usual);
        assertThat(schedule.tasks(TWO, 3).get(0)).isEqualTo(usual.tasks(TWO, 3).get(0));
        assertThat(schedule.tasks(TWO, 3).get(1))
                .containsExactly(
                        forward(1, 0),
                        forward(1, 1),
                        backward(1, 0),
                        forward(1, 2),
                        backward(1, 1),
                        backward(1, 2),
                        weights(1, 0),
                        weights(1, 1),
                        weights(1, 2));
        assertThat(CopyAssignment.inEachStage(StepTasks.of(schedule, TWO, 3)).count(1))
                .isEqualTo(
                        CopyAssignment.inEachStage(StepTasks.of(usual, TWO, 3)).count(1));
    }

    @Test
    void otherSchedulesStayAsTheyAre() {
        Schedule usual = Schedules.oneForwardOneBackward();
        assertThat(new ErrorsFirstSchedule(usual).tasks(TWO, 4)).isEqualTo(usual.tasks(TWO, 4));
    }
}
