// SPDX-License-Identifier: LGPL-2.1-or-later
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.LongBuffer;
import java.util.concurrent.BrokenBarrierException;
import java.util.concurrent.CyclicBarrier;

/** A struct task of bench.h. */
final class Task {
    /** As enum loop. */
    static final int PRODUCE = 1, CONSUME = 2, PAIRS = 3, BURST = 4, ANSWER = 5, ASK = 6;

    final Peer object;
    final Peer other;
    final int loop;
    /** Of a map; the driver's own memory. */
    final LongBuffer steps;
    /** Of a map of strings. */
    final String[] strings;
    final int count;
    final long passes;
    long sum;
    /** By the driver's clock, which is System.nanoTime's too. */
    long began, ended;

    Task(Peer object, Peer other, int loop, ByteBuffer steps, String[] strings, int count,
            long passes) {
        this.object = object;
        this.other = other;
        this.loop = loop;
        this.steps = steps == null ? null : steps.order(ByteOrder.nativeOrder()).asLongBuffer();
        this.strings = strings;
        this.count = count;
        this.passes = passes;
    }

    long runOnce() {
        return object.run(this);
    }

    private void runPasses() {
        long found = 0;
        began = System.nanoTime();
        for (long i = 0; i < passes; i++) {
            found += object.run(this);
        }
        ended = System.nanoTime();
        sum = found;
    }

    private void runFrom(CyclicBarrier start) {
        try {
            start.await();
        } catch (InterruptedException | BrokenBarrierException problem) {
            throw new IllegalStateException(problem);
        }
        runPasses();
    }

    /** Each in a thread. */
    static void runAll(Task[] tasks) throws InterruptedException {
        CyclicBarrier start = new CyclicBarrier(tasks.length);
        Thread[] threads = new Thread[tasks.length];
        for (int i = 0; i < tasks.length; i++) {
            Task task = tasks[i];
            threads[i] = new Thread(() -> task.runFrom(start));
            threads[i].start();
        }
        for (Thread thread : threads) {
            thread.join();
        }
    }
}
