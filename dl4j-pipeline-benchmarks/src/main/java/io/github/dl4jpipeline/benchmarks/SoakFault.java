package io.github.dl4jpipeline.benchmarks;

import io.github.dl4jpipeline.PipelineComputationGraph;
import io.github.dl4jpipeline.internal.graph.ArrayDifference;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.Callable;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.FutureTask;
import org.deeplearning4j.nn.api.Model;
import org.deeplearning4j.optimize.api.BaseTrainingListener;
import org.nd4j.linalg.api.ndarray.INDArray;
import org.nd4j.linalg.dataset.DataSet;
import org.nd4j.linalg.factory.Nd4j;
import org.nd4j.linalg.profiler.ProfilerConfig;

/** What can go wrong in training. Each is made to happen, has to come out as it should, and leaves training as it was. */
enum SoakFault {
    FORWARD {
        @Override
        void happen(PipelineComputationGraph net, DataSet batch) {
            FaultActivation.onForward(SoakChecks::outOfPaper);
            SoakChecks.unchanged(net, () -> net.fit(batch), "out of paper", "probe");
        }
    },
    BACKWARD {
        @Override
        void happen(PipelineComputationGraph net, DataSet batch) {
            FaultActivation.onBackward(SoakChecks::outOfPaper);
            SoakChecks.unchanged(net, () -> net.fit(batch), "out of paper", "probe");
        }
    },
    OUT_OF_MEMORY {
        @Override
        void happen(PipelineComputationGraph net, DataSet batch) {
            FaultActivation.onBackward(() -> {
                throw new OutOfMemoryError("no more room");
            });
            SoakChecks.unchanged(net, () -> net.fit(batch), "no more room", "probe");
        }
    },
    NOT_A_NUMBER {
        @Override
        void happen(PipelineComputationGraph net, DataSet batch) {
            DataSet broken = batch.copy();
            broken.getFeatures().putScalar(new long[] {3, 0, 0, 0}, Double.NaN);
            Nd4j.getExecutioner()
                    .setProfilingConfig(
                            ProfilerConfig.builder().checkForNAN(true).build());
            try {
                SoakChecks.unchanged(net, () -> net.fit(broken), "NaN");
            } finally {
                Nd4j.getExecutioner()
                        .setProfilingConfig(ProfilerConfig.builder().build());
            }
        }
    },
    WRONG_SHAPE {
        @Override
        void happen(PipelineComputationGraph net, DataSet batch) {
            DataSet wide = new DataSet(Nd4j.rand(SoakPlan.BATCH, 4, 8, 8), batch.getLabels());
            SoakChecks.unchanged(net, () -> net.fit(wide), "conv");
        }
    },
    UPDATE {
        @Override
        void happen(PipelineComputationGraph net, DataSet batch) {
            FaultSchedule.fail(true);
            SoakChecks.unchanged(net, () -> net.fit(batch), "no rate today");
        }
    },
    ITERATOR {
        @Override
        void happen(PipelineComputationGraph net, DataSet batch) {
            SoakChecks.oneStep(
                    net,
                    () -> net.fit(new FaultyBatches(batch.toMultiDataSet(), SoakChecks::badSector, false)),
                    "bad sector");
        }
    },
    ITERATOR_READING_AHEAD {
        @Override
        void happen(PipelineComputationGraph net, DataSet batch) {
            SoakChecks.oneStep(
                    net,
                    () -> net.fit(new FaultyBatches(batch.toMultiDataSet(), SoakChecks::badSector, true)),
                    "bad sector");
        }
    },
    ITERATOR_GIVES_NULL {
        @Override
        void happen(PipelineComputationGraph net, DataSet batch) {
            SoakChecks.oneStep(
                    net, () -> net.fit(new FaultyBatches(batch.toMultiDataSet(), () -> null, true)), "FaultyBatches");
        }
    },
    LISTENER_BEFORE_UPDATE {
        @Override
        void happen(PipelineComputationGraph net, DataSet batch) {
            net.setListeners(new BaseTrainingListener() {
                @Override
                public void onGradientCalculation(Model model) {
                    throw new IllegalStateException("not now");
                }
            });
            SoakChecks.unchanged(net, () -> net.fit(batch), "not now");
        }
    },
    LISTENER_AFTER_STEP {
        @Override
        void happen(PipelineComputationGraph net, DataSet batch) {
            net.setListeners(new BaseTrainingListener() {
                @Override
                public void iterationDone(Model model, int iteration, int epoch) {
                    throw new IllegalStateException("not now");
                }
            });
            SoakChecks.oneStep(net, () -> net.fit(batch), "not now");
        }
    },
    DISK_FULL {
        @Override
        void happen(PipelineComputationGraph net, DataSet batch) {
            net.setListeners(new BaseTrainingListener() {
                @Override
                public void iterationDone(Model model, int iteration, int epoch) {
                    FullDisk.save(net);
                }
            });
            SoakChecks.oneStep(net, () -> net.fit(batch), "No space left");
        }
    },
    INTERRUPT {
        @Override
        void happen(PipelineComputationGraph net, DataSet batch) {
            CountDownLatch entered = new CountDownLatch(1);
            FaultActivation.onForward(entered::countDown);
            TrainingState before = TrainingState.of(net);
            FutureTask<?> fit = new FutureTask<>(() -> net.fit(batch), null);
            Thread caller = SoakChecks.start("interrupted", fit);
            SoakChecks.await(entered);
            caller.interrupt();
            // The step may have ended before the interrupt came.
            if (SoakChecks.failure(fit).isPresent()) {
                before.requireSame(net);
            }
        }
    },
    CLOSE_IN_LAYER {
        @Override
        void happen(PipelineComputationGraph net, DataSet batch) {
            FaultActivation.onForward(net::close);
            SoakChecks.unchanged(net, () -> net.fit(batch), "close");
        }
    },
    CLOSE_IN_FIT {
        @Override
        void happen(PipelineComputationGraph net, DataSet batch) {
            CountDownLatch entered = new CountDownLatch(1);
            FaultActivation.onForward(entered::countDown);
            FutureTask<?> fit = new FutureTask<>(() -> net.fit(batch), null);
            SoakChecks.start("fit", fit);
            SoakChecks.await(entered);
            net.close();
            SoakChecks.failure(fit).ifPresent(thrown -> SoakChecks.requireSays(thrown, "closed"));
        }

        @Override
        boolean closes() {
            return true;
        }
    },
    SECOND_FIT {
        @Override
        void happen(PipelineComputationGraph net, DataSet batch) {
            int before = net.getIterationCount();
            List<FutureTask<?>> fits = new ArrayList<>();
            for (int i = 0; i < 2; i++) {
                FutureTask<?> fit = new FutureTask<>(() -> net.fit(batch.copy()), null);
                fits.add(fit);
                SoakChecks.start("fit-" + i, fit);
            }
            long done = fits.stream()
                    .filter(fit -> SoakChecks.failure(fit).isEmpty())
                    .count();
            if (net.getIterationCount() != before + done) {
                throw new IllegalStateException(done + " of two fits at once ended well, but "
                        + (net.getIterationCount() - before) + " steps were counted");
            }
        }
    },
    OUTPUT_OF_16_THREADS {
        @Override
        void happen(PipelineComputationGraph net, DataSet batch) {
            INDArray expected = net.outputSingle(batch.getFeatures());
            List<FutureTask<INDArray>> outputs = new ArrayList<>();
            for (int i = 0; i < 16; i++) {
                Callable<INDArray> output = () -> net.outputSingle(batch.getFeatures());
                FutureTask<INDArray> task = new FutureTask<>(output);
                outputs.add(task);
                SoakChecks.start("output-" + i, task);
            }
            for (FutureTask<INDArray> output : outputs) {
                SoakChecks.failure(output).ifPresent(thrown -> {
                    throw new IllegalStateException("output failed", thrown);
                });
                if (!ArrayDifference.of(SoakChecks.result(output), expected).isWithin(1e-5, 1e-6)) {
                    throw new IllegalStateException("output of several threads differs");
                }
            }
        }
    };

    /** Makes this happen, and checks what comes of it. */
    abstract void happen(PipelineComputationGraph net, DataSet batch);

    /** Whether the pipeline is closed afterwards. */
    boolean closes() {
        return false;
    }
}
