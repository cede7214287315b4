package io.github.dl4jpipeline.internal.graph;

import java.util.Map;
import java.util.Set;
import org.deeplearning4j.nn.conf.constraint.MaxNormConstraint;
import org.deeplearning4j.nn.conf.constraint.MinMaxNormConstraint;
import org.deeplearning4j.nn.conf.constraint.NonNegativeConstraint;
import org.deeplearning4j.nn.conf.constraint.UnitNormConstraint;
import org.deeplearning4j.nn.conf.dropout.AlphaDropout;
import org.deeplearning4j.nn.conf.dropout.Dropout;
import org.deeplearning4j.nn.conf.dropout.GaussianDropout;
import org.deeplearning4j.nn.conf.dropout.GaussianNoise;
import org.deeplearning4j.nn.conf.dropout.SpatialDropout;
import org.deeplearning4j.nn.conf.graph.AttentionVertex;
import org.deeplearning4j.nn.conf.graph.ElementWiseVertex;
import org.deeplearning4j.nn.conf.graph.FrozenVertex;
import org.deeplearning4j.nn.conf.graph.L2NormalizeVertex;
import org.deeplearning4j.nn.conf.graph.L2Vertex;
import org.deeplearning4j.nn.conf.graph.LayerVertex;
import org.deeplearning4j.nn.conf.graph.MergeVertex;
import org.deeplearning4j.nn.conf.graph.PoolHelperVertex;
import org.deeplearning4j.nn.conf.graph.PreprocessorVertex;
import org.deeplearning4j.nn.conf.graph.ReshapeVertex;
import org.deeplearning4j.nn.conf.graph.ScaleVertex;
import org.deeplearning4j.nn.conf.graph.ShiftVertex;
import org.deeplearning4j.nn.conf.graph.StackVertex;
import org.deeplearning4j.nn.conf.graph.SubsetVertex;
import org.deeplearning4j.nn.conf.graph.UnstackVertex;
import org.deeplearning4j.nn.conf.graph.rnn.DuplicateToTimeSeriesVertex;
import org.deeplearning4j.nn.conf.graph.rnn.LastTimeStepVertex;
import org.deeplearning4j.nn.conf.graph.rnn.ReverseTimeSeriesVertex;
import org.deeplearning4j.nn.conf.layers.*;
import org.deeplearning4j.nn.conf.layers.convolutional.Cropping1D;
import org.deeplearning4j.nn.conf.layers.convolutional.Cropping2D;
import org.deeplearning4j.nn.conf.layers.convolutional.Cropping3D;
import org.deeplearning4j.nn.conf.layers.misc.ElementWiseMultiplicationLayer;
import org.deeplearning4j.nn.conf.layers.misc.FrozenLayer;
import org.deeplearning4j.nn.conf.layers.misc.FrozenLayerWithBackprop;
import org.deeplearning4j.nn.conf.layers.misc.RepeatVector;
import org.deeplearning4j.nn.conf.layers.objdetect.Yolo2OutputLayer;
import org.deeplearning4j.nn.conf.layers.recurrent.Bidirectional;
import org.deeplearning4j.nn.conf.layers.recurrent.LastTimeStep;
import org.deeplearning4j.nn.conf.layers.recurrent.SimpleRnn;
import org.deeplearning4j.nn.conf.layers.util.MaskLayer;
import org.deeplearning4j.nn.conf.layers.util.MaskZeroLayer;
import org.deeplearning4j.nn.conf.layers.variational.VariationalAutoencoder;
import org.deeplearning4j.nn.conf.ocnn.OCNNOutputLayer;
import org.deeplearning4j.nn.conf.preprocessor.Cnn3DToFeedForwardPreProcessor;
import org.deeplearning4j.nn.conf.preprocessor.CnnToFeedForwardPreProcessor;
import org.deeplearning4j.nn.conf.preprocessor.CnnToRnnPreProcessor;
import org.deeplearning4j.nn.conf.preprocessor.ComposableInputPreProcessor;
import org.deeplearning4j.nn.conf.preprocessor.FeedForwardToCnn3DPreProcessor;
import org.deeplearning4j.nn.conf.preprocessor.FeedForwardToCnnPreProcessor;
import org.deeplearning4j.nn.conf.preprocessor.FeedForwardToRnnPreProcessor;
import org.deeplearning4j.nn.conf.preprocessor.RnnToCnnPreProcessor;
import org.deeplearning4j.nn.conf.preprocessor.RnnToFeedForwardPreProcessor;
import org.deeplearning4j.nn.conf.weightnoise.DropConnect;
import org.deeplearning4j.nn.conf.weightnoise.WeightNoise;
import org.deeplearning4j.preprocessors.KerasFlattenRnnPreprocessor;
import org.deeplearning4j.preprocessors.PermutePreprocessor;
import org.deeplearning4j.preprocessors.ReshapePreprocessor;
import org.nd4j.linalg.activations.impl.*;
import org.nd4j.linalg.lossfunctions.impl.*;

/** What is known of Deeplearning4j's classes: whether they treat the examples of a batch independently. */
@SuppressWarnings("deprecation") // saved models still have some of these
final class KnownClasses {
    private KnownClasses() {}

    /**
     * Classes that treat examples independently, as far as {@link ExampleCoupling} or {@link RowLayout} finds nothing against
     * it in their settings and in what stands before them.
     */
    static final Set<Class<?>> INDEPENDENT = Set.of(
            // vertices
            AttentionVertex.class,
            DuplicateToTimeSeriesVertex.class,
            ElementWiseVertex.class,
            FrozenVertex.class,
            L2NormalizeVertex.class,
            L2Vertex.class,
            LastTimeStepVertex.class,
            LayerVertex.class,
            MergeVertex.class,
            PoolHelperVertex.class,
            PreprocessorVertex.class,
            ReshapeVertex.class,
            ReverseTimeSeriesVertex.class,
            ScaleVertex.class,
            ShiftVertex.class,
            StackVertex.class,
            SubsetVertex.class,
            UnstackVertex.class,
            // preprocessors
            Cnn3DToFeedForwardPreProcessor.class,
            CnnToFeedForwardPreProcessor.class,
            CnnToRnnPreProcessor.class,
            ComposableInputPreProcessor.class,
            FeedForwardToCnn3DPreProcessor.class,
            FeedForwardToCnnPreProcessor.class,
            FeedForwardToRnnPreProcessor.class,
            KerasFlattenRnnPreprocessor.class,
            PermutePreprocessor.class,
            ReshapePreprocessor.class,
            RnnToCnnPreProcessor.class,
            RnnToFeedForwardPreProcessor.class,
            // layers
            ActivationLayer.class,
            AutoEncoder.class,
            Bidirectional.class,
            CapsuleLayer.class,
            CapsuleStrengthLayer.class,
            Cnn3DLossLayer.class,
            CnnLossLayer.class,
            Convolution1D.class,
            Convolution1DLayer.class,
            Convolution2D.class,
            Convolution3D.class,
            ConvolutionLayer.class,
            Cropping1D.class,
            Cropping2D.class,
            Cropping3D.class,
            Deconvolution2D.class,
            Deconvolution3D.class,
            DenseLayer.class,
            DepthwiseConvolution2D.class,
            DropoutLayer.class,
            ElementWiseMultiplicationLayer.class,
            EmbeddingLayer.class,
            EmbeddingSequenceLayer.class,
            FrozenLayer.class,
            FrozenLayerWithBackprop.class,
            GlobalPoolingLayer.class,
            GravesBidirectionalLSTM.class,
            GravesLSTM.class,
            LSTM.class,
            LastTimeStep.class,
            LearnedSelfAttentionLayer.class,
            LocalResponseNormalization.class,
            LocallyConnected1D.class,
            LocallyConnected2D.class,
            LossLayer.class,
            MaskLayer.class,
            MaskZeroLayer.class,
            OutputLayer.class,
            PReLULayer.class,
            Pooling1D.class,
            Pooling2D.class,
            PrimaryCapsules.class,
            RecurrentAttentionLayer.class,
            RepeatVector.class,
            RnnLossLayer.class,
            RnnOutputLayer.class,
            SelfAttentionLayer.class,
            SeparableConvolution2D.class,
            SimpleRnn.class,
            SpaceToBatchLayer.class,
            SpaceToDepthLayer.class,
            Subsampling1DLayer.class,
            Subsampling3DLayer.class,
            SubsamplingLayer.class,
            Upsampling1D.class,
            Upsampling2D.class,
            Upsampling3D.class,
            VariationalAutoencoder.class,
            Yolo2OutputLayer.class,
            ZeroPadding1DLayer.class,
            ZeroPadding3DLayer.class,
            ZeroPaddingLayer.class,
            // activation functions
            ActivationCube.class,
            ActivationELU.class,
            ActivationGELU.class,
            ActivationHardSigmoid.class,
            ActivationHardTanH.class,
            ActivationIdentity.class,
            ActivationLReLU.class,
            ActivationMish.class,
            ActivationPReLU.class,
            ActivationRReLU.class,
            ActivationRationalTanh.class,
            ActivationReLU.class,
            ActivationReLU6.class,
            ActivationRectifiedTanh.class,
            ActivationSELU.class,
            ActivationSigmoid.class,
            ActivationSoftPlus.class,
            ActivationSoftSign.class,
            ActivationSoftmax.class,
            ActivationSwish.class,
            ActivationTanH.class,
            ActivationThresholdedReLU.class,
            // losses
            LossBinaryXENT.class,
            LossCosineProximity.class,
            LossHinge.class,
            LossKLD.class,
            LossL1.class,
            LossL2.class,
            LossMAE.class,
            LossMAPE.class,
            LossMCXENT.class,
            LossMSE.class,
            LossMSLE.class,
            LossMixtureDensity.class,
            LossMultiLabel.class,
            LossNegativeLogLikelihood.class,
            LossPoisson.class,
            LossSparseMCXENT.class,
            LossSquaredHinge.class,
            LossWasserstein.class,
            // noise and constraints
            AlphaDropout.class,
            Dropout.class,
            GaussianDropout.class,
            GaussianNoise.class,
            SpatialDropout.class,
            DropConnect.class,
            WeightNoise.class,
            MaxNormConstraint.class,
            MinMaxNormConstraint.class,
            NonNegativeConstraint.class,
            UnitNormConstraint.class);

    /** Classes that couple the examples of a batch, and how, as a clause. {@link ExampleCoupling} has more to say of others. */
    static final Map<Class<?>, String> COUPLED = Map.of(
            CenterLossOutputLayer.class,
            "center loss moves class centers by the mean over the whole batch",
            OCNNOutputLayer.class,
            "the one-class loss takes a quantile over the whole batch",
            LossFMeasure.class,
            "the F-measure is computed over the whole batch");
}
