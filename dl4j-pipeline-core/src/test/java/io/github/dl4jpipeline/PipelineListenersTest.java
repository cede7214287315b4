package io.github.dl4jpipeline;

import static org.assertj.core.api.Assertions.assertThat;

import ch.qos.logback.classic.Logger;
import ch.qos.logback.classic.spi.ILoggingEvent;
import ch.qos.logback.core.read.ListAppender;
import java.util.List;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.slf4j.LoggerFactory;

class PipelineListenersTest {
    private final Logger logger = (Logger) LoggerFactory.getLogger(PipelineListener.class);
    private final ListAppender<ILoggingEvent> logged = new ListAppender<>();
    private final PipelineListeners listeners = new PipelineListeners(List.of(new PipelineListener() {}));

    @BeforeEach
    void listen() {
        logger.setAdditive(false);
        logger.addAppender(logged);
        logged.start();
    }

    @AfterEach
    void stop() {
        logger.detachAppender(logged);
        logger.setAdditive(true);
    }

    private static void sleep(PipelineListener listener) {
        try {
            Thread.sleep(PipelineListener.SLOW_MILLIS + 10);
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
        }
    }

    @Test
    void oneThatIsSlowAgainIsNamedOnce() {
        listeners.each(PipelineListenersTest::sleep); // it may load classes
        assertThat(logged.list).isEmpty();
        listeners.each(PipelineListenersTest::sleep);
        listeners.each(PipelineListenersTest::sleep);
        assertThat(logged.list).hasSize(1);
        assertThat(logged.list.get(0).getFormattedMessage()).contains(PipelineListenersTest.class.getName());
    }
}
