package io.github.dl4jpipeline.partition;

import io.github.dl4jpipeline.internal.exception.Given;
import java.time.Duration;

/**
 * What a plan is predicted to take.
 *
 * @param examples number of examples of the batch that this is for
 * @param stepTime time of the forward and backward passes of one step, and of adding up the gradients of replicas
 * @param latestExecutionTime the same with every vertex taking its longest profiled time; of a plan chosen by measured
 *     steps, what nearly all of these took at most, or somewhat more. An estimate, no guarantee. At least the step time
 * @param oneDeviceTime time of the same on the first device alone
 * @param bubble share of the stages' time in which they wait, from 0 to 1
 */
public record Prediction(
        int examples, Duration stepTime, Duration latestExecutionTime, Duration oneDeviceTime, double bubble) {

    public Prediction {
        Given.notNull("stepTime of a plan", stepTime);
        Given.notNull("latestExecutionTime of a plan", latestExecutionTime);
        Given.notNull("oneDeviceTime of a plan", oneDeviceTime);
        if (latestExecutionTime.compareTo(stepTime) < 0) {
            latestExecutionTime = stepTime;
        }
    }

    /** Nothing but a number of examples. */
    static Prediction unknown(int examples) {
        return new Prediction(examples, Duration.ZERO, Duration.ZERO, Duration.ZERO, 0);
    }

    Prediction withLatestExecutionTime(Duration latest) {
        return new Prediction(examples, stepTime, latest, oneDeviceTime, bubble);
    }
}
