// SPDX-License-Identifier: LGPL-2.1-or-later
import java.util.concurrent.ArrayBlockingQueue;
import java.util.concurrent.ConcurrentLinkedQueue;
import java.util.concurrent.LinkedBlockingQueue;
import java.util.concurrent.LinkedTransferQueue;

/** The JDK's. */
final class Queues {
    private Queues() {}

    static final class Linked extends Fifo {
        Linked(int unused) {
            super(new ConcurrentLinkedQueue<>());
        }
    }

    static final class LinkedBlocking extends Fifo {
        LinkedBlocking(int unused) {
            super(new LinkedBlockingQueue<>());
        }
    }

    static final class Transfer extends Fifo {
        Transfer(int unused) {
            super(new LinkedTransferQueue<>());
        }
    }

    static final class ArrayBlocking extends Fifo {
        ArrayBlocking(int capacity) {
            super(new ArrayBlockingQueue<>(capacity));
        }
    }
}
