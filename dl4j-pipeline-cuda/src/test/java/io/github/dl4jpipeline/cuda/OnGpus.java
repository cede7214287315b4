package io.github.dl4jpipeline.cuda;

import static org.junit.jupiter.api.extension.ConditionEvaluationResult.disabled;
import static org.junit.jupiter.api.extension.ConditionEvaluationResult.enabled;

import io.github.dl4jpipeline.device.Devices;
import io.github.dl4jpipeline.exception.DevicesUnavailableException;
import java.lang.annotation.ElementType;
import java.lang.annotation.Retention;
import java.lang.annotation.RetentionPolicy;
import java.lang.annotation.Target;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.extension.ConditionEvaluationResult;
import org.junit.jupiter.api.extension.ExecutionCondition;
import org.junit.jupiter.api.extension.ExtendWith;
import org.junit.jupiter.api.extension.ExtensionContext;

/** A test that needs GPUs. Without them it is skipped, with the reason. */
@Retention(RetentionPolicy.RUNTIME)
@Target(ElementType.METHOD)
@Test
@Tag("gpu")
@ExtendWith({OnGpus.Condition.class, GpuReport.class})
@interface OnGpus {
    /** How many. */
    int value();

    /** Lets the test run where there are as many GPUs. */
    final class Condition implements ExecutionCondition {
        @Override
        public ConditionEvaluationResult evaluateExecutionCondition(ExtensionContext context) {
            try {
                Devices gpus = Devices.gpu(context.getRequiredTestMethod()
                        .getAnnotation(OnGpus.class)
                        .value());
                return enabled(gpus.toString());
            } catch (DevicesUnavailableException e) {
                return disabled(e.getMessage());
            }
        }
    }
}
