// SPDX-License-Identifier: LGPL-2.1-or-later
import java.nio.LongBuffer;

/** A map of integers; a process has one class of it, so the JIT inlines these methods. */
abstract class IntMap extends Peer {
    /** As enum operation of bench.h. */
    private static final int GET = 0, SET = 1, DELETE = 2, ADD = 3;

    /** 0 if it is not there. */
    abstract long get(long key);

    abstract void set(long key, long value);

    abstract void delete(long key);

    abstract void add(long key);

    @Override
    final long run(Task task) {
        LongBuffer steps = task.steps;
        int count = task.count;
        long sum = 0;
        for (int i = 0; i < count; i++) {
            long step = steps.get(i);
            long key = step >>> 2;
            switch ((int) step & 3) {
                case GET:
                    sum += get(key);
                    break;
                case SET:
                    set(key, key + 1);
                    break;
                case DELETE:
                    delete(key);
                    break;
                case ADD:
                    add(key);
                    break;
                default:
                    throw new AssertionError();
            }
        }
        return sum;
    }
}
