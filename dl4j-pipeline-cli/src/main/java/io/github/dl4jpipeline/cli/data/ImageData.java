package io.github.dl4jpipeline.cli.data;

/**
 * What a network is trained and tested on.
 *
 * @param name where the images are from: {@code generated}, or the directory
 * @param train the images to train on, at least one
 * @param test the images to test on, at least one
 * @param description a sentence for people
 */
public record ImageData(String name, ImageSet train, ImageSet test, String description) {}
