// SPDX-License-Identifier: LGPL-2.1-or-later
import java.util.concurrent.atomic.AtomicLong;
import java.util.concurrent.atomic.LongAdder;

/** The JDK's. */
final class Counters {
    private Counters() {}

    static final class Atomic extends Peer {
        private final AtomicLong count = new AtomicLong();

        Atomic(int unused) {}

        @Override
        long run(Task task) {
            for (int i = task.count; i > 0; i--) {
                count.getAndIncrement();
            }
            return 0;
        }

        @Override
        long value() {
            return count.get();
        }
    }

    static final class Adder extends Peer {
        private final LongAdder count = new LongAdder();

        Adder(int unused) {}

        @Override
        long run(Task task) {
            for (int i = task.count; i > 0; i--) {
                count.increment();
            }
            return 0;
        }

        @Override
        long value() {
            return count.sum();
        }
    }
}
