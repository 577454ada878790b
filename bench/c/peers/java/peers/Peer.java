// SPDX-License-Identifier: LGPL-2.1-or-later

/** What is measured. */
abstract class Peer {
    /** Runs the loop of the task once and returns the sum that the driver knows. */
    abstract long run(Task task);

    /** A map of strings; the values are 1 and on. */
    void fill(String[] keys) {
        throw new UnsupportedOperationException();
    }

    /** Of a counter. */
    long value() {
        throw new UnsupportedOperationException();
    }
}
