// SPDX-License-Identifier: LGPL-2.1-or-later

/** What is measured. */
abstract class Peer {
    /** Collects what the last one has left, so that its time is not the next one's. */
    Peer() {
        System.gc();
    }

    /** Runs the loop of the task once and returns the sum that the driver knows. */
    abstract long run(Task task);

    /** Of a counter. */
    long value() {
        throw new UnsupportedOperationException();
    }
}
