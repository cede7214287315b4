package io.github.dl4jpipeline.spark.dl4j;

import org.apache.spark.api.java.JavaRDD;
import org.apache.spark.api.java.JavaSparkContext;
import org.datavec.spark.util.BroadcastHadoopConfigHolder;
import org.deeplearning4j.core.loader.DataSetLoader;
import org.deeplearning4j.core.loader.MultiDataSetLoader;
import org.deeplearning4j.spark.data.loader.RemoteFileSourceFactory;
import org.nd4j.linalg.dataset.DataSet;
import org.nd4j.linalg.dataset.api.MultiDataSet;

/** Batches in files of any file system that Hadoop knows, in the order of their paths. */
record BatchFiles(JavaSparkContext sc, JavaRDD<String> paths) {

    JavaRDD<DataSet> dataSets(DataSetLoader loader) {
        RemoteFileSourceFactory files = files();
        return paths.map(path -> loader.load(files.getSource(path)));
    }

    JavaRDD<MultiDataSet> multiDataSets(MultiDataSetLoader loader) {
        RemoteFileSourceFactory files = files();
        return paths.map(path -> loader.load(files.getSource(path)));
    }

    private RemoteFileSourceFactory files() {
        return new RemoteFileSourceFactory(BroadcastHadoopConfigHolder.get(sc));
    }
}
