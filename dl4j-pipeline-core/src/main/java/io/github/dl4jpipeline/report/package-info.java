/** What training has measured, beside what the plan predicted. */
@NullMarked
package io.github.dl4jpipeline.report;

import org.jspecify.annotations.NullMarked;
