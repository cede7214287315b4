package io.github.dl4jpipeline.device;

import jdk.jfr.Category;
import jdk.jfr.DataAmount;
import jdk.jfr.Description;
import jdk.jfr.Event;
import jdk.jfr.Label;
import jdk.jfr.Name;
import jdk.jfr.StackTrace;

/** A transfer, in Java Flight Recorder. */
@Name("dl4jpipeline.Copy")
@Label("Pipeline Copy")
@Category("dl4j-pipeline")
@Description("An array is passed from one device to another, or from or to the host")
@StackTrace(false)
final class CopyEvent extends Event {
    @Label("Purpose")
    String kind = "";

    @Label("What")
    String what = "";

    @Label("From")
    String from = "";

    @Label("To")
    String to = "";

    @Label("Size")
    @DataAmount
    long bytes;
}
