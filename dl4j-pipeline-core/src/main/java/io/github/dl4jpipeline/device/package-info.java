/**
 * The devices that stages run on, and how a thread is bound to one.
 *
 * <p>A CPU device is a set of cores: {@link io.github.dl4jpipeline.device.Devices#cpu(int) Devices.cpu(2)} splits the
 * cores of this machine into two of them. Thread counts are set at run time; no environment variable is needed.
 */
@NullMarked
package io.github.dl4jpipeline.device;

import org.jspecify.annotations.NullMarked;
