// SPDX-License-Identifier: LGPL-2.1-or-later

import java.util.Queue;
import java.util.concurrent.BlockingQueue;

/**
 * A queue, and the loops of loops.h.  Its items are there beforehand, as those of C are; a process
 * has queues of one class, so the JIT inlines their methods.
 */
abstract class Fifo extends Peer {
    private final Queue<Long> queue;
    private Long[] items = {};

    Fifo(Queue<Long> queue) {
        this.queue = queue;
    }

    /** The items 1 to count, at these places. */
    private synchronized Long[] items(int count) {
        if (items.length <= count) {
            Long[] made = new Long[count + 1];
            for (int i = 0; i <= count; i++) {
                made[i] = (long) i;
            }
            items = made;
        }
        return items;
    }

    private static void backOff(int tried) {
        if (tried >= 10) {
            Thread.yield();
            return;
        }
        for (int i = 1 << Math.min(tried, 6); i > 0; i--) {
            Thread.onSpinWait();
        }
    }

    private void push(Long item) {
        for (int tried = 0; !queue.offer(item); tried++) {
            backOff(tried);
        }
    }

    private long pop() {
        for (int tried = 0; ; tried++) {
            Long item = queue.poll();
            if (item != null) {
                return item;
            }
            backOff(tried);
        }
    }

    private long await() throws InterruptedException {
        return ((BlockingQueue<Long>) queue).take();
    }

    private void produce(Long[] items, int count) {
        for (int i = 1; i <= count; i++) {
            push(items[i]);
        }
    }

    private long consume(int count) {
        long sum = 0;
        for (int i = 0; i < count; i++) {
            sum += pop();
        }
        return sum;
    }

    private long pairs(Long[] items, int count) {
        long sum = 0;
        for (int i = 1; i <= count; i++) {
            push(items[i]);
            sum += pop();
        }
        return sum;
    }

    private long answer(Fifo to, Long[] items, int count) throws InterruptedException {
        long sum = 0;
        for (int i = 0; i < count; i++) {
            long item = await();
            to.push(items[(int) item]);
            sum += item;
        }
        return sum;
    }

    private long ask(Fifo from, Long[] items, int count) throws InterruptedException {
        long sum = 0;
        for (int i = 1; i <= count; i++) {
            push(items[i]);
            sum += from.await();
        }
        return sum;
    }

    @Override
    final long run(Task task) {
        int count = task.count;
        Long[] items = items(count);
        try {
            switch (task.loop) {
                case Task.PRODUCE:
                    produce(items, count);
                    return 0;
                case Task.CONSUME:
                    return consume(count);
                case Task.PAIRS:
                    return pairs(items, count);
                case Task.ANSWER:
                    return answer((Fifo) task.other, items, count);
                case Task.ASK:
                    return ask((Fifo) task.other, items, count);
                case Task.BURST:
                    produce(items, count);
                    return consume(count);
                default:
                    throw new AssertionError();
            }
        } catch (InterruptedException problem) {
            throw new IllegalStateException(problem);
        }
    }
}
